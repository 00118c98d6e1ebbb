#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../app/version.js';
import { alertsCommand } from './commands/alerts.js';
import { channelsCommand } from './commands/channels.js';
import { configCommand } from './commands/config.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { enqueueCommand } from './commands/enqueue.js';
import { jobsCommand } from './commands/jobs.js';
import { migrateCommand } from './commands/migrate.js';
import { startCommand } from './commands/start.js';
import { report } from './output.js';

const program = new Command('signalbox')
  .description('A job server for AI backends. For any piece of work it says where it is and why.')
  .version(version)
  .showHelpAfterError('(--help tells what is possible)')
  .configureHelp({ sortSubcommands: false })
  .addCommand(startCommand())
  .addCommand(demoCommand())
  .addCommand(migrateCommand())
  .addCommand(configCommand())
  .addCommand(jobsCommand())
  .addCommand(enqueueCommand())
  .addCommand(alertsCommand())
  .addCommand(channelsCommand())
  .addCommand(doctorCommand());

exitInsteadOfThrowing(program);

// A reader that goes away (`signalbox jobs list | head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = report(error, { json: process.argv.includes('--json') });
}

/** Wrong use is exit code 2, told apart from a failure (1). */
function exitInsteadOfThrowing(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitInsteadOfThrowing(child as Command);
}
