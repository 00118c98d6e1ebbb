import type { Database } from '../database/database.js';
import type { Engine } from '../engine/engine.js';
import type { Logger } from '../foundation/logger.js';
import type { HealthCheck } from './check.js';
import { databaseCheck } from './checks/database.js';
import { redisCheck } from './checks/redis.js';
import { workChecks } from './checks/work.js';
import { ProcessMonitor } from './process-monitor.js';
import { HealthService } from './service.js';
import { WorkReader } from './work.js';

/** What the routes of health and monitoring show. */
export interface Monitor {
  readonly health: HealthService;
  readonly work: WorkReader;
  /** To be started and stopped with the server. */
  readonly process: ProcessMonitor;
}

export interface MonitorOptions {
  readonly database: Database;
  readonly engine: Engine;
  readonly redisUrl?: string | undefined;
  /** Those of the workloads. */
  readonly checks: readonly HealthCheck[];
  readonly logger: Logger;
  /** Longest that one check may take, milliseconds. @default 2000 */
  readonly timeoutMs?: number | undefined;
}

/** @throws TypeError when two checks have one name */
export function createMonitor(options: MonitorOptions): Monitor {
  const { database, engine, redisUrl, logger, timeoutMs } = options;
  const work = new WorkReader(engine, logger);
  const checks = [
    databaseCheck(database),
    ...(redisUrl === undefined ? [] : [redisCheck({ url: redisUrl })]),
    ...workChecks(work),
    ...options.checks,
  ];
  const health = new HealthService({ checks, logger, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return Object.freeze({ health, work, process: new ProcessMonitor() });
}
