import { Command, Option } from 'commander';
import type { EstimatedStart } from '../../engine/explain/explain.js';
import { type Job, type JobStatus, jobStatuses } from '../../engine/job.js';
import { formatDuration } from '../../foundation/time.js';
import { integerArgument } from '../arguments.js';
import { type CommandContext, withEngine } from '../context.js';
import { type OutputOptions, paint, paintStatus, print, printable, table } from '../output.js';

export function jobsCommand(): Command {
  const jobs = new Command('jobs').description('read jobs and change what happens to them');
  jobs.addCommand(listCommand());
  jobs.addCommand(one('show', 'everything that is known of one job', show));
  jobs.addCommand(one('explain', 'why the job is where it is, and what to do', explain));
  jobs.addCommand(one('cancel', 'end a waiting job, or ask the worker of a running one to stop', cancel));
  jobs.addCommand(one('retry', 'queue a failed or cancelled job anew', retry));
  jobs.addCommand(logsCommand());
  return jobs;
}

interface ListOptions extends OutputOptions {
  status?: JobStatus[];
  task?: string;
  queue?: string;
  limit: number;
}

function listCommand(): Command {
  return new Command('list')
    .description('the newest jobs')
    .addOption(new Option('--status <status...>', 'only these states').choices([...jobStatuses]))
    .option('--task <name>', 'only jobs of this task')
    .option('--queue <name>', 'only jobs of this queue')
    .option('--limit <n>', 'at most this many, 1 to 200', integerArgument(1, 200), 20)
    .option('--json', 'print JSON')
    .action((options: ListOptions) =>
      withEngine(async ({ engine }) => {
        const jobs = await engine.jobs.list({ ...options, statuses: options.status });
        print(options, jobs, () => (jobs.length === 0 ? 'No jobs match.' : jobTable(jobs)));
      }),
    );
}

function jobTable(jobs: readonly Job[]): string {
  const rows = jobs.map((job) => [
    job.id,
    paintStatus(job.status),
    job.task,
    job.queue,
    `${job.attempt}`,
    job.createdAt.toISOString(),
    durationOf(job),
  ]);
  return table(['id', 'status', 'task', 'queue', 'attempt', 'created', 'took'], rows);
}

function durationOf(job: Job): string {
  if (job.startedAt === null || job.finishedAt === null) return '-';
  return formatDuration(job.finishedAt.getTime() - job.startedAt.getTime());
}

type Action = (context: CommandContext, id: string, options: OutputOptions) => Promise<void>;

function one(name: string, description: string, action: Action): Command {
  return new Command(name)
    .description(description)
    .argument('<id>', 'id of the job')
    .option('--json', 'print JSON')
    .action((id: string, options: OutputOptions) => withEngine((context) => action(context, id, options)));
}

const show: Action = async ({ engine }, id, options) => {
  const job = await engine.jobs.get(id);
  const events = await engine.jobs.events(id);
  print(options, { ...job, events }, () => {
    const fields = Object.entries(job).map(([key, value]) => [key, cell(value)]);
    const happened = events.map((event) => [event.at.toISOString(), event.type, cell(event.data)]);
    return `${table(['field', 'value'], fields)}\n\n${table(['at', 'event', 'data'], happened)}`;
  });
};

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(text.length > 300 ? `${text.slice(0, 300)}…` : text);
}

const explain: Action = async ({ engine }, id, options) => {
  const explanation = await engine.jobs.explain(id);
  print(options, explanation, () =>
    [
      `${paintStatus(explanation.status)}  ${printable(explanation.summary)}`,
      ...explanation.reasons.slice(1).map(({ message }) => `also: ${printable(message)}`),
      ...expected(explanation.estimatedStart),
      ...explanation.reasons.flatMap(({ remedy }) =>
        remedy === null ? [] : [`${paint.bold('do')}: ${remedy}`],
      ),
    ].join('\n'),
  );
};

function expected(start: EstimatedStart | null): string[] {
  if (start === null) return [];
  const source = start.samples === null ? '' : ` (from how long the last ${start.samples} attempts took)`;
  return [`expected to start: ${start.at.toISOString()}${source}`];
}

const cancel: Action = async ({ engine }, id, options) => {
  const job = await engine.jobs.cancel(id);
  const text = job.status === 'cancelled' ? 'Cancelled.' : 'Its worker has been asked to stop it.';
  print(options, job, () => text);
};

const retry: Action = async ({ engine }, id, options) => {
  const job = await engine.jobs.retry(id);
  print(options, job, () => 'Queued again.');
};

function logsCommand(): Command {
  return new Command('logs')
    .description('the log lines of one job')
    .argument('<id>', 'id of the job')
    .option('--after <seq>', 'only lines after this one', integerArgument(0, 2_147_483_647), 0)
    .option('--limit <n>', 'at most this many, 1 to 1000', integerArgument(1, 1_000), 200)
    .option('--json', 'print JSON')
    .action((id: string, options: OutputOptions & { after: number; limit: number }) =>
      withEngine(async ({ engine }) => {
        const lines = await engine.jobs.logs(id, options.after, options.limit);
        print(options, lines, () =>
          lines
            .map(({ at, level, message, data }) => {
              const rest = data === null ? '' : ` ${paint.dim(cell(data))}`;
              return `${at.toISOString()} ${level} ${printable(message)}${rest}`;
            })
            .join('\n'),
        );
      }),
    );
}
