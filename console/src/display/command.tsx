import { CopyButton } from './copy-button.js';

/** A shell command to copy. Long ones break between words, never at a hyphen: `--queues` must stay one word. */
export function Command({ text, what = 'the command' }: { text: string; what?: string }) {
  return (
    <div className="flex min-w-0 items-start gap-1 rounded-lg border border-line bg-well py-1 pr-1 pl-3">
      <pre className="min-w-0 flex-1 py-1 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap">
        <code>{text.split(/(\s+)/).map(unbroken)}</code>
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}

function unbroken(word: string, index: number) {
  if (word.trim() === '') return word;
  return (
    <span key={index} className="inline-block max-w-full">
      {word}
    </span>
  );
}
