import { Command } from 'commander';
import { dateArgument, integerArgument, jsonArgument } from '../arguments.js';
import { withEngine } from '../context.js';
import { type OutputOptions, print } from '../output.js';

interface EnqueueFlags extends OutputOptions {
  input: unknown;
  priority?: number;
  runAt?: Date;
  tag?: string[];
}

export function enqueueCommand(): Command {
  return new Command('enqueue')
    .description('add one job')
    .argument('<task>', 'name of the task')
    .option('--input <json>', 'input of the job', jsonArgument, {})
    .option('--priority <n>', 'smaller runs first, -1000 to 1000', integerArgument(-1_000, 1_000))
    .option('--run-at <time>', 'not before this time', dateArgument)
    .option('--tag <tag...>', 'tags of the job')
    .option('--json', 'print JSON')
    .action((task: string, flags: EnqueueFlags) =>
      withEngine(async ({ engine }) => {
        const { priority, runAt, tag: tags } = flags;
        const job = await engine.enqueue(task, flags.input, { priority, runAt, tags });
        print(flags, job, () => `${job.id} ${job.status} in queue ${job.queue}`);
      }),
    );
}
