import type { Logger } from '../foundation/logger.js';
import { type LogOptions, openLog } from './logs/log.js';

/** A log that needs no end: nothing bounds it and nothing is pushed. For commands and tests. */
export function createLogger(options: Omit<LogOptions, 'rates' | 'loki'>): Logger {
  return openLog(options).logger;
}
