type LogWord = 'debug' | 'info' | 'warn' | 'error';

/** What every module logs to: fields first, sentence second. `pino` fits; so does `silentLogger`. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
  /** Whether lines of the level are written. Without it, all are. */
  isLevelEnabled?(level: LogWord): boolean;
}

export const silentLogger: Logger = Object.freeze({
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
});

/** Says the fields with every line. Made at no cost, for the few lines of one request; a line's own field wins. */
export function loggerWith(logger: Logger, fields: object): Logger {
  return Object.freeze({
    debug: (more: object, message: string) => logger.debug({ ...fields, ...more }, message),
    info: (more: object, message: string) => logger.info({ ...fields, ...more }, message),
    warn: (more: object, message: string) => logger.warn({ ...fields, ...more }, message),
    error: (more: object, message: string) => logger.error({ ...fields, ...more }, message),
    child: (more: object) => loggerWith(logger, { ...fields, ...more }),
    isLevelEnabled: (level: LogWord) => logger.isLevelEnabled?.(level) ?? true,
  });
}
