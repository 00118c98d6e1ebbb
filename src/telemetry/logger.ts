import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../foundation/logger.js';
import { LineBuffer } from './line-buffer.js';
import { withoutSecrets } from './secrets.js';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Coloured lines for people instead of JSON for machines. */
  readonly pretty: boolean;
  /** @default standard output */
  readonly destination?: NodeJS.WritableStream;
  /** JSON lines below warn may be up to 50 ms late, and are written many at once. For servers. */
  readonly buffered?: boolean;
}

/** JSON lines, or coloured ones on a terminal. `level` is a word; fields that hold secrets are replaced. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? process.stdout;
  const lines = options.buffered ? new LineBuffer(destination) : destination;
  const stream = options.pretty
    ? pretty({
        destination,
        colorize: true,
        ignore: 'pid,hostname',
        singleLine: true,
        translateTime: 'HH:MM:ss.l',
        sync: true,
      })
    : lines;
  const root = pino(
    {
      level: options.level,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => withoutSecrets(fields),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      base: null,
    },
    stream,
  );
  // What a child always says passes no formatter: without this its secrets would be written.
  const { child } = root;
  root.child = function hiding(this: typeof root, fields, given) {
    return child.call(this, withoutSecrets(fields), given) as never;
  };
  return root as Logger;
}
