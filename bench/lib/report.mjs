import { readFile, writeFile } from 'node:fs/promises';
import Table from 'cli-table3';

const head = ['measure', 'unit', 'Signalbox', 'others', 'ratio to the best', 'goal', 'accepted'];

export function printedTable(rows) {
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const row of rows) table.push(cells(row, '\n'));
  return table.toString();
}

function cells(row, separator) {
  const others = Object.entries(row.peers).map(
    ([name, value]) => `${name} ${value === null ? 'not measured' : number(value)}`,
  );
  return [
    row.measure,
    `${row.unit}, ${row.better} is better`,
    row.signalbox === null ? row.status : number(row.signalbox),
    others.join(separator),
    row.ratio === null ? '' : `${row.ratio.toFixed(2)} × ${row.best_peer}`,
    goalText(row),
    row.accepted ? 'yes' : 'no',
  ];
}

function goalText({ goal, accepted_from: from, judged_by: by, unit }) {
  const of = (n) => (by === 'ratio' ? `${n} ×` : `${n} ${unit}`);
  return goal === from ? of(goal) : `${of(goal)}, from ${of(from)}`;
}

export function number(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** What the table does not say: why a figure is missing, and where one stands on fewer rounds than the others. */
export function noteLines(rows) {
  const lines = rows.flatMap((row) => [
    ...Object.entries(row.failures).map(([name, why]) => `${row.measure}, ${name}, not measured: ${why}`),
    ...Object.entries(row.notes).map(([name, note]) => `${row.measure}, ${name}: ${note}`),
  ]);
  return [...new Set(lines)];
}

const page = new URL('../../docs/performance.md', import.meta.url);
const marks = ['<!-- bench: begin -->', '<!-- bench: end -->'];

/** Replaces what lies between the marks of docs/performance.md. @throws Error when they are gone */
export async function writePage(rows, about) {
  const text = await readFile(page, 'utf8');
  const [begin, end] = marks.map((mark) => text.indexOf(mark));
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has lost its marks: ${marks.join(' ')}`);
  await writeFile(
    page,
    `${text.slice(0, begin + marks[0].length)}\n${section(rows, about)}\n${text.slice(end)}`,
  );
}

function section(rows, about) {
  const line = (parts) => `| ${parts.join(' | ')} |`;
  const notes = noteLines(rows);
  return [
    about.map((one) => `- ${one}`).join('\n'),
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map((row) => line(cells(row, '; '))),
    ...(notes.length === 0 ? [] : ['', ...notes.map((one) => `- ${one}`)]),
  ].join('\n');
}
