import { Command } from './command.js';

/** Splits "Once the cause is gone: signalbox jobs retry 1" into its sentence and its command. */
export function splitRemedy(remedy: string): { text: string; command: string | null } {
  const found = /^(?:(.*?):\s+)?((?:npx )?signalbox\s[\s\S]*)$/.exec(remedy.trim());
  if (found === null) return { text: remedy, command: null };
  return { text: found[1] ?? '', command: found[2] ?? null };
}

/** What to do: the sentence as it is, the command ready to copy. */
export function Remedy({ remedy }: { remedy: string }) {
  const { text, command } = splitRemedy(remedy);
  return (
    <div className="grid min-w-0 gap-1.5">
      {text !== '' && <p className="text-muted">{command === null ? text : `${text}:`}</p>}
      {command !== null && <Command text={command} />}
    </div>
  );
}
