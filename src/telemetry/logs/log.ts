import { type LoggerOptions as PinoOptions, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../../foundation/logger.js';
import { type LineCounts, type LogLevel, noLines } from './levels.js';
import { LineBuffer } from './line-buffer.js';
import { LineLimiter, type LineRates } from './line-limiter.js';
import { LineSink, type LineTarget } from './line-sink.js';
import { type LokiCounts, LokiPusher } from './loki/loki-pusher.js';
import type { LokiTarget } from './loki/loki-target.js';
import { Redactor } from './redactor.js';

export interface LogOptions {
  readonly level: LogLevel | 'silent';
  /** Coloured lines for people instead of JSON for machines. */
  readonly pretty: boolean;
  /** @default standard output */
  readonly destination?: NodeJS.WritableStream;
  /** JSON lines below warn may be up to 50 ms late, and are written many at once. For servers. */
  readonly buffered?: boolean;
  /** Secrets of this process, hidden wherever they stand. */
  readonly secrets?: readonly string[];
  /** @default no bound */
  readonly rates?: LineRates;
  /** Where the lines are pushed besides. */
  readonly loki?: LokiTarget | undefined;
  /** Fields of what is under way while a line is logged, such as a tracer's. The line's own win. */
  readonly context?: () => Readonly<Record<string, unknown>> | undefined;
}

/** What became of lines since the start; each is read when it is asked for. */
export interface LogCounts {
  readonly written: LineCounts;
  /** Beyond the rates. */
  readonly leftOut: LineCounts;
  readonly loki: LokiCounts | undefined;
}

/** The log of a process. */
export interface Log {
  readonly logger: Logger;
  readonly counts: LogCounts;
  /** Writes and pushes what is left. Waits 2 s for Loki at most; lines that are logged afterwards are written only. */
  stop(): Promise<void>;
}

const lokiStopMs = 2_000;

/** JSON lines, or coloured ones on a terminal. `level` is a word, secrets are hidden, the rate is bounded. */
export function openLog(options: LogOptions): Log {
  const { rates, loki: lokiTarget } = options;
  const destination = options.destination ?? process.stdout;
  const buffer = options.buffered && !options.pretty ? new LineBuffer(destination) : undefined;
  const output: LineTarget = options.pretty ? prettyTo(destination) : (buffer ?? destination);
  const loki =
    lokiTarget &&
    new LokiPusher(lokiTarget, (level, fields, message) => {
      sink.onlyHere(() => own[level](fields, message));
    });
  const sink = new LineSink(output, new Redactor(options.secrets), loki);
  // The log's own words about itself pass no limit.
  const own = pino(pinoOptions(options), sink);
  const limiter = rates && new LineLimiter(rates, (level, fields, message) => own[level](fields, message));
  const logger =
    limiter === undefined ? own : pino({ ...pinoOptions(options), hooks: limitedBy(limiter) }, sink);
  const flush = () => {
    limiter?.tell();
    buffer?.flush();
  };
  if (buffer !== undefined || limiter !== undefined) process.on('exit', flush);
  return Object.freeze({
    logger,
    counts: Object.freeze<LogCounts>({
      get written() {
        return sink.written;
      },
      get leftOut() {
        return limiter?.leftOut ?? nothingLeftOut;
      },
      get loki() {
        return loki?.counts;
      },
    }),
    async stop() {
      flush();
      await loki?.stop(lokiStopMs);
      flush();
    },
  });
}

const nothingLeftOut: LineCounts = Object.freeze(noLines());

function pinoOptions({ level, context }: LogOptions): PinoOptions {
  const { err } = pino.stdSerializers;
  return {
    level,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err, error: err, cause: err },
    timestamp: pino.stdTimeFunctions.isoTime,
    base: null,
    ...(context === undefined ? {} : { mixin: () => ({ ...context() }) }),
  };
}

function limitedBy(limiter: LineLimiter): NonNullable<PinoOptions['hooks']> {
  return {
    logMethod(line, log, level) {
      if (limiter.admit(level, line[1])) log.apply(this, line);
    },
  };
}

function prettyTo(destination: NodeJS.WritableStream): LineTarget {
  return pretty({
    destination,
    colorize: true,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'HH:MM:ss.l',
    sync: true,
  });
}
