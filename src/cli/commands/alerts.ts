import { Command } from 'commander';
import type { Alert } from '../../alerts/alert.js';
import type { EvaluationNote } from '../../alerts/store.js';
import { formatDuration } from '../../foundation/time.js';
import { caller } from '../caller.js';
import { withAlerting } from '../context.js';
import { foundSomething, notKnown } from '../findings.js';
import { group } from '../group.js';
import { type OutputOptions, paint, print, printable, table } from '../output.js';
import { alertLogCommand } from './deliveries.js';
import { silenceCommand, silencesCommand, unsilenceCommand } from './silences.js';

export function alertsCommand(): Command {
  return group('alerts', 'what is wrong now, who looks after it, and what is not to be told', [
    listCommand(),
    acknowledgeCommand(),
    alertLogCommand(),
    silenceCommand(),
    silencesCommand(),
    unsilenceCommand(),
  ]);
}

/** Rules are judged every ten seconds. */
const staleMs = 60_000;

function listCommand(): Command {
  return new Command('list')
    .description('alerts that are pending or firing, the longest first')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExit code: 0 nothing fires, ${foundSomething} something does, ${notKnown} nobody has judged the rules within a minute.`,
    )
    .action((options: OutputOptions) =>
      withAlerting(async ({ alerts }) => {
        const note = await alerts.evaluation();
        const open = await alerts.open();
        const { evaluatedAt = null, ageMs = null, unknown = null } = note ?? {};
        print(options, { evaluatedAt, ageMs, unknown, alerts: open }, () =>
          open.length === 0 ? 'Nothing is wrong as far as the rules were judged.' : alertTable(open),
        );
        const doubt = doubtOf(note);
        if (doubt !== undefined) process.stderr.write(`${paint.yellow('warning')} ${doubt}\n`);
        process.exitCode = exitCodeOf(open, note);
      }),
    );
}

function isStale(note: EvaluationNote | undefined): boolean {
  return note === undefined || note.ageMs > staleMs;
}

function exitCodeOf(open: readonly Alert[], note: EvaluationNote | undefined): number {
  if (isStale(note)) return notKnown;
  return open.some(({ state }) => state === 'firing') ? foundSomething : 0;
}

/** What is shown says less than it seems to. */
function doubtOf(note: EvaluationNote | undefined): string | undefined {
  const start = 'Any process judges them: signalbox start';
  if (note === undefined) return `The rules were never judged. ${start}`;
  if (isStale(note)) return `The rules were last judged ${formatDuration(note.ageMs)} ago. ${start}`;
  if (note.unknown.length === 0) return undefined;
  return `These rules could not be judged, and the log says why: ${note.unknown.join(', ')}`;
}

const severityColours = { critical: paint.red, warning: paint.yellow, info: paint.reset } as const;

function alertTable(open: readonly Alert[]): string {
  const now = Date.now();
  const rows = open.map((alert) => [
    alert.id,
    severityColours[alert.severity](alert.severity),
    alert.state,
    alert.rule,
    formatDuration(Math.max(now - alert.since.getTime(), 0)),
    printable(alert.acknowledgedBy ?? '-'),
    printable(alert.summary),
    printable(alert.remedy),
  ]);
  return table(['id', 'severity', 'state', 'rule', 'for', 'keeper', 'what', 'what to do'], rows);
}

function acknowledgeCommand(): Command {
  return new Command('acknowledge')
    .description('say that you look after it: it is not told again until it ends')
    .argument('<alert>', 'id of the alert')
    .option('--by <name>', 'who, if not the user of this shell', caller())
    .option('--json', 'print JSON')
    .action((id: string, options: OutputOptions & { by: string }) =>
      withAlerting(async ({ alerts }) => {
        const alert = await alerts.acknowledge(id, options.by);
        const keeper = printable(alert.acknowledgedBy ?? '-');
        print(options, alert, () => `${alert.rule} is looked after by ${keeper}.`);
      }),
    );
}
