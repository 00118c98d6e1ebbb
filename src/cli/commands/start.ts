import { Command } from 'commander';
import { Application } from '../../app/application.js';
import { readConfig } from '../../app/config.js';
import { rolesFrom } from '../../app/roles.js';
import { appSection } from '../../app/settings.js';
import { openLog } from '../../telemetry/logs/log.js';
import { lokiTargetOf } from '../../telemetry/logs/loki/loki-target.js';
import { telemetrySection } from '../../telemetry/settings.js';
import { untilSignal } from '../signals.js';

interface StartFlags {
  server?: boolean;
  worker?: boolean;
  bgTasks?: boolean;
  queues?: string;
  all?: boolean;
  concurrency?: string;
  host?: string;
  port?: string;
}

export function startCommand(): Command {
  return new Command('start')
    .description('serve HTTP and run jobs (both unless a role is named)')
    .option('--server', 'only answer HTTP')
    .option('--worker', 'only run jobs')
    .option('--bg-tasks', 'the same as --worker')
    .option('--queues <names>', 'queues this worker takes jobs from, separated by commas')
    .option('-A, --all', 'all queues (the default)')
    .option('--concurrency <n>', 'jobs that run at once')
    .option('--host <address>', 'address to listen on')
    .option('--port <n>', 'port to listen on')
    .option('--json', 'log JSON lines even on a terminal')
    .action(async (flags: StartFlags & { json?: boolean }) => {
      const config = readConfig(process.env, {
        SIGNALBOX_QUEUES: flags.all ? '' : flags.queues,
        SIGNALBOX_CONCURRENCY: flags.concurrency,
        HOST: flags.host,
        PORT: flags.port,
      });
      const settings = config.get(telemetrySection);
      const log = openLog({
        level: settings.logLevel,
        pretty: process.stdout.isTTY === true && !flags.json,
        buffered: true,
        secrets: config.secrets,
        rates: { source: settings.logRate, total: settings.logRateTotal },
        loki: lokiTargetOf(settings, config.get(appSection).environment),
      });
      const { logger } = log;
      for (const warning of config.warnings) logger.warn({}, warning);
      const roles = rolesFrom({ server: flags.server, worker: flags.worker || flags.bgTasks });
      const application = new Application({ config, logger, roles });
      await untilSignal(log, application);
    });
}
