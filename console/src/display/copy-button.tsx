import { useEffect, useState } from 'react';
import { copyText } from './copy.js';
import { Icon } from './icon.js';

type Outcome = 'idle' | 'copied' | 'refused';

const words: Record<Outcome, string> = { idle: 'Copy', copied: 'Copied', refused: 'Select and copy it' };

/** `what` names the text for screen readers: "Copy the command". */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [outcome, setOutcome] = useState<Outcome>('idle');
  useEffect(() => {
    if (outcome === 'idle') return;
    const timer = setTimeout(() => setOutcome('idle'), 2_000);
    return () => clearTimeout(timer);
  }, [outcome]);
  return (
    <button
      type="button"
      className="button-quiet shrink-0"
      aria-label={outcome === 'idle' ? `Copy ${what}` : undefined}
      onClick={async () => setOutcome((await copyText(text)) ? 'copied' : 'refused')}
    >
      <Icon name={outcome === 'copied' ? 'done' : 'copy'} />
      <span aria-live="polite">{words[outcome]}</span>
    </button>
  );
}
