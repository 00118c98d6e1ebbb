import type { Logger } from '../../foundation/logger.js';
import type { LogLevel, Report } from './messages.js';

/** The heartbeat thread's logger: the main thread writes, so that all lines go one way. Fields must be clonable. */
export function threadLogger(post: (report: Report) => void, bound: object = {}): Logger {
  const to = (level: LogLevel) => (fields: object, message: string) =>
    post({ kind: 'log', level, fields: { ...bound, ...fields }, message });
  return Object.freeze({
    debug: to('debug'),
    info: to('info'),
    warn: to('warn'),
    error: to('error'),
    child: (fields: object) => threadLogger(post, { ...bound, ...fields }),
  });
}
