import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../foundation/logger.js';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Coloured lines for people instead of JSON for machines. */
  readonly pretty: boolean;
  /** @default standard output */
  readonly destination?: NodeJS.WritableStream;
}

const secretFields = [
  'authorization',
  'cookie',
  'password',
  'token',
  'api_key',
  'apiKey',
  'secret',
  'connectionString',
];
const redacted = secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** JSON lines, or coloured ones on a terminal. `level` is a word; fields that hold secrets are replaced. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? process.stdout;
  const stream = options.pretty
    ? pretty({
        destination,
        colorize: true,
        ignore: 'pid,hostname',
        singleLine: true,
        translateTime: 'HH:MM:ss.l',
        sync: true,
      })
    : destination;
  return pino(
    {
      level: options.level,
      redact: { paths: redacted, censor: '(hidden)' },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      base: null,
    },
    stream,
  ) as Logger;
}
