import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Supervisor, type SupervisorOutcome } from './supervisor.js';

/** One JSON line each to the standard error, which is the supervisor's log file. No library: it starts sooner. */
function lineLogger(bound: object): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    const line = { time: new Date().toISOString(), level, pid: process.pid, ...bound, ...fields, message };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => lineLogger({ ...bound, ...fields }),
  };
}

const exitCodes = { served: 0, lost: 0, failed: 1 } as const satisfies Record<SupervisorOutcome, number>;

const home = process.argv[2];
const logger = lineLogger({});
// Neither a terminal nor a service manager may end the server under its users: it leaves with the last of them.
for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => {});
process.umask(0o077);
try {
  if (home === undefined) throw new Error('the supervisor needs a home');
  process.exit(exitCodes[await new Supervisor(home, logger).run()]);
} catch (error) {
  logger.error({ error: messageOf(error) }, 'the supervisor failed');
  process.exit(2);
}
