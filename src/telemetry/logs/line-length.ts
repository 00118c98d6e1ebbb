/** Characters of a line beyond which its long fields are cut: stores such as Loki refuse lines of 256 KB. */
export const maxLineLength = 65_536;
const maxFieldLength = 4_000;
/** What stays of a line that is still too long, so that it can be found and read. */
const kept = [
  ...['level', 'time', 'msg', 'trace_id', 'span_id', 'request_id'],
  ...['job_id', 'task', 'queue', 'attempt', 'worker'],
];

/** The same line, with what is too long cut and `cut` saying so. */
export function boundedLine(json: string): string {
  if (json.length <= maxLineLength) return json;
  const fields = JSON.parse(json) as Record<string, unknown>;
  const cut = Object.entries(fields).map(([name, value]) => [name, shortened(value)] as const);
  const line = textOf(Object.fromEntries(cut));
  return line.length <= maxLineLength
    ? line
    : textOf(Object.fromEntries(cut.filter(([name]) => kept.includes(name))));
}

function shortened(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= maxFieldLength) return value;
  return `${text.slice(0, maxFieldLength)}… (${text.length} characters)`.toWellFormed();
}

function textOf(fields: object): string {
  return `${JSON.stringify({ ...fields, cut: true })}\n`;
}
