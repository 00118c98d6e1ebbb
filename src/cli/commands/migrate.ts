import { Command } from 'commander';
import { readConfig } from '../../app/config.js';
import { migrationFolders } from '../../app/modules.js';
import { type OpenDatabase, openDatabase } from '../../app/open-database.js';
import { migrateDown, migrateUp, migrationStatus } from '../../database/migrations.js';
import type { Logger } from '../../foundation/logger.js';
import { integerArgument } from '../arguments.js';
import { commandLogger } from '../context.js';
import { type OutputOptions, paint, print, table } from '../output.js';

export function migrateCommand(): Command {
  const migrate = new Command('migrate').description('change the schema of the database');
  migrate
    .command('up')
    .description('run every migration that has not been run')
    .option('--json', 'print JSON')
    .action((options: OutputOptions) =>
      withDatabase(async (open, logger) => {
        const ran = await migrateUp(migrationOptions(open, logger));
        print(options, { ran }, () => (ran.length === 0 ? 'Nothing to do.' : list('ran', ran)));
      }),
    );
  migrate
    .command('down')
    .description('undo the last migrations; their data is lost')
    .option('--count <n>', 'how many', integerArgument(1, 1_000), 1)
    .option('--json', 'print JSON')
    .action((options: OutputOptions & { count: number }) =>
      withDatabase(async (open, logger) => {
        const undone = await migrateDown(migrationOptions(open, logger), options.count);
        print(options, { undone }, () => (undone.length === 0 ? 'Nothing to undo.' : list('undone', undone)));
      }),
    );
  migrate
    .command('status')
    .description('what has been run and what has not')
    .option('--json', 'print JSON')
    .action((options: OutputOptions) =>
      withDatabase(async (open) => {
        const status = await migrationStatus(open.database, migrationFolders);
        print(options, status, () =>
          table(
            ['migration', 'state'],
            [
              ...status.applied.map((name) => [
                name,
                status.unknown.includes(name)
                  ? paint.yellow('run by a newer version')
                  : paint.green('applied'),
              ]),
              ...status.pending.map((name) => [name, paint.yellow('pending')]),
            ],
          ),
        );
      }),
    );
  return migrate;
}

function list(word: string, names: readonly string[]): string {
  return names.map((name) => `${word} ${name}`).join('\n');
}

function migrationOptions(open: OpenDatabase, logger: Logger) {
  return { connection: open.database.directOptions, folders: migrationFolders, logger };
}

async function withDatabase(work: (open: OpenDatabase, logger: Logger) => Promise<void>): Promise<void> {
  const logger = commandLogger();
  const open = await openDatabase({
    config: readConfig(process.env),
    logger,
    applicationName: 'signalbox-migrate',
  });
  try {
    await work(open, logger);
  } finally {
    await open.close();
  }
}
