import { Command, Option } from 'commander';
import { quietUntil } from '../../alerts/notifications/policy/quiet.js';
import { type NewSilence, respelled } from '../../alerts/notifications/silences.js';
import type { Silence } from '../../alerts/notifications/store/silences.js';
import type { Alerting } from '../../app/alerting.js';
import { dateArgument, durationArgument, integerArgument, labelArgument } from '../arguments.js';
import { caller } from '../caller.js';
import { withAlerting } from '../context.js';
import { type OutputOptions, print, printable, table } from '../output.js';

interface SilenceFlags extends OutputOptions {
  rule?: string;
  label: Readonly<Record<string, string>>;
  for?: number;
  until?: Date;
  from?: Date;
  maintenance?: boolean;
  every?: string;
  timeZone: string;
  reason: string;
  by: string;
}

export function silenceCommand(): Command {
  const meant = 'id of an alert: it and all later ones of its rule with its labels are meant';
  return new Command('silence')
    .description('send nothing for a while about an alert, a rule or labels; what still fires then is sent')
    .argument('[alert]', meant)
    .addOption(new Option('--rule <name>', 'alerts of this rule'))
    .addOption(
      new Option('--label <name=value>', 'alerts with this label; may be repeated')
        .argParser(labelArgument)
        .default({}, 'none'),
    )
    .option('--for <duration>', 'how long, such as 2h; with --every, how long each time', durationArgument)
    .option('--until <time>', 'until when, instead of --for', dateArgument)
    .option('--from <time>', 'not before this time', dateArgument)
    .option('--maintenance', 'a maintenance window, which may mean every alert')
    .option('--every <cron>', 'a maintenance window at each of these times')
    .option('--time-zone <zone>', 'of --every', 'UTC')
    .requiredOption('--reason <text>', 'why')
    .option('--by <name>', 'who, if not the user of this shell', caller())
    .option('--json', 'print JSON')
    .action((alert: string | undefined, flags: SilenceFlags, command: Command) => {
      const problem = problemOf(alert, flags);
      if (problem !== undefined) command.error(`error: ${problem}`, { exitCode: 2 });
      return withAlerting(async (alerting) => {
        const made = await create(alerting, alert, flags);
        print(flags, made, () => `${made.id} keeps quiet ${whatOf(made)} ${untilOf(made)}.`);
      });
    });
}

/** What the flags say together that they must not. */
function problemOf(alert: string | undefined, flags: SilenceFlags): string | undefined {
  const { rule, label, every, until } = flags;
  const duration = flags.for;
  if (alert !== undefined && (rule !== undefined || Object.keys(label).length > 0)) {
    return 'give an alert, or --rule and --label, not both';
  }
  if (every !== undefined)
    return duration === undefined ? '--every needs --for, such as --for 1h' : undefined;
  if (duration !== undefined && until !== undefined) return 'give --for or --until, not both';
  return duration === undefined && until === undefined
    ? 'give --for, such as --for 2h, or --until'
    : undefined;
}

async function create({ alerts, notifications }: Alerting, alert: string | undefined, flags: SilenceFlags) {
  const subject = alert === undefined ? { rule: flags.rule, labels: flags.label } : await alerts.get(alert);
  const { from, until, every, reason, by, timeZone } = flags;
  const duration = flags.for ?? 0;
  const wish: NewSilence = {
    kind: flags.maintenance || every !== undefined ? 'maintenance' : 'silence',
    rule: subject.rule,
    labels: subject.labels,
    startsAt: from,
    endsAt: until ?? (every === undefined ? new Date((from?.getTime() ?? Date.now()) + duration) : undefined),
    every: every === undefined ? undefined : { cron: every, timeZone, durationMs: duration },
    reason,
    by,
  };
  try {
    return await notifications.silences.create(
      wish,
      alert === undefined ? alerts.rules.map(({ name }) => name) : undefined,
    );
  } catch (error) {
    throw respelled(error, (field) => flagOf[field] ?? field);
  }
}

/** Fields of a silence as this command spells them. */
const flagOf: Readonly<Record<string, string>> = {
  rule: '--rule',
  labels: '--label',
  reason: '--reason',
  by: '--by',
  startsAt: '--from',
  endsAt: '--until',
  'every.cron': '--every',
  'every.timeZone': '--time-zone',
  'every.durationMs': '--for',
};

export function silencesCommand(): Command {
  return new Command('silences')
    .description('silences and maintenance windows, the newest first')
    .option('--past', 'those that are over too')
    .option('--limit <n>', 'at most this many, 1 to 1000', integerArgument(1, 1_000), 100)
    .option('--json', 'print JSON')
    .action((options: OutputOptions & { past?: boolean; limit: number }) =>
      withAlerting(async ({ notifications }) => {
        const { past = false, limit } = options;
        const silences = await notifications.silences.list({ past, limit });
        print(options, silences, () => (silences.length === 0 ? 'Nothing is silenced.' : toTable(silences)));
      }),
    );
}

export function unsilenceCommand(): Command {
  return new Command('unsilence')
    .description('end a silence or a maintenance window now: what it kept back and still fires is sent')
    .argument('<silence>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, options: OutputOptions) =>
      withAlerting(async ({ notifications }) => {
        const ended = await notifications.silences.end(id);
        print(options, ended, () => `Ended: ${whatOf(ended)} can be told again.`);
      }),
    );
}

function toTable(silences: readonly Silence[]): string {
  const now = new Date();
  const rows = silences.map((one) => [
    one.id,
    quietUntil(one, now) === undefined ? 'no' : 'yes',
    whatOf(one),
    untilOf(one),
    printable(one.createdBy),
    printable(one.reason),
  ]);
  return table(['id', 'quiet now', 'what', 'until', 'who', 'why'], rows);
}

function whatOf({ rule, labels }: Silence): string {
  const parts = [rule ?? [], Object.entries(labels).map(([name, value]) => `${name}=${value}`)].flat();
  return parts.length === 0 ? 'every alert' : printable(parts.join(' '));
}

function untilOf({ endsAt, every }: Silence): string {
  const end = endsAt === null ? 'until somebody ends it' : `until ${endsAt.toISOString()}`;
  if (every === null) return end;
  return `at ${printable(every.cron)} (${every.timeZone}), ${every.durationMs / 60_000} min each, ${end}`;
}
