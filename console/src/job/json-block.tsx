import { CopyButton } from '../display/copy-button.js';

const longest = 20_000;

/** A value as the API gave it, folded away until someone wants it. Nothing when there is none. */
export function JsonBlock({ title, value }: { title: string; value: unknown }) {
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value, null, 2);
  const cut = text.length > longest;
  return (
    <details className="rounded-lg border border-line">
      <summary className="cursor-pointer rounded-lg px-3 py-2 font-medium">{title}</summary>
      <div className="relative border-t border-line">
        <div className="absolute top-1 right-1">
          <CopyButton text={text} what={title.toLowerCase()} />
        </div>
        <pre className="max-h-80 overflow-auto px-3 py-2.5 font-mono text-xs leading-5">
          {cut ? `${text.slice(0, longest)}\n… cut here; copy gives all of it` : text}
        </pre>
      </div>
    </details>
  );
}
