export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** pino's number of the level from which on a line is about something that is wrong. */
export const urgentLevel = 40;

/** The word of pino's number. */
export function levelWord(level: number): LogLevel {
  return level >= 50 ? 'error' : level >= urgentLevel ? 'warn' : level >= 30 ? 'info' : 'debug';
}

/** Lines by level. */
export type LineCounts = Readonly<Record<LogLevel, number>>;

export function noLines(): Record<LogLevel, number> {
  return { debug: 0, info: 0, warn: 0, error: 0 };
}
