import type { Database } from '../database/database.js';
import type { Logger } from '../foundation/logger.js';
import type { Announcer } from './announcer.js';
import type { Change } from './changes.js';
import type { Gates } from './gates.js';
import type { Hooks } from './hooks.js';
import type { Lanes } from './lanes.js';
import type { TaskRegistry } from './registry.js';
import type { Middleware } from './task.js';

export interface WorkerOptions {
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
  /** Jobs at once. Can be changed at run time. */
  readonly concurrency: number;
  readonly leaseMs: number;
  /** How long `stop` lets jobs finish before they are aborted and given back. */
  readonly drainTimeoutMs: number;
  /** How long a handler may go on after its signal fired. @default 5000 */
  readonly abortGraceMs?: number;
  /** Safety net for lost notifications. @default 1000 */
  readonly pollMs?: number;
}

export interface WorkerDeps {
  readonly db: Database;
  readonly tasks: TaskRegistry;
  readonly logger: Logger;
  readonly lanes: Lanes;
  readonly announcer: Announcer;
  readonly gates: Gates;
  readonly hooks: Hooks;
  readonly middleware: readonly Middleware[];
  /** Whether it answers canaries. */
  readonly canaries: boolean;
  readonly handlerLogRate: number;
  readonly onChange: (handler: (change: Change) => void) => () => void;
}

/** Whether a worker can run so many jobs at once. */
export function isConcurrency(jobs: number): boolean {
  return Number.isInteger(jobs) && jobs >= 1 && jobs <= 1_000_000;
}
