import type { Queryable } from '../database/queryable.js';
import type { Announcer } from './announcer.js';
import { engineErrors } from './errors.js';
import {
  closeGate,
  declareLimits,
  type Gate,
  type GateKind,
  listGates,
  pauseGate,
  setLimits,
} from './sql/gates.js';
import { isCount, isRate, type Rate, type Task } from './task.js';

/** What may be set at run time. `null` takes a limit away, `undefined` leaves it. */
export interface Limits {
  /** Attempts at once, over all workers; 0 lets none through. */
  readonly maxRunning?: number | null | undefined;
  readonly rate?: Rate | null | undefined;
}

/** What queues and tasks let through. Effective at once and everywhere: every claim looks. */
export class Gates {
  readonly #db: Queryable;
  readonly #announcer: Announcer;

  constructor(db: Queryable, announcer: Announcer) {
    this.#db = db;
    this.#announcer = announcer;
  }

  /**
   * Nothing of it is claimed any more, and nothing starts in this process; what runs goes on, what is enqueued waits.
   * What another process has claimed and not begun, it gives back as soon as it hears of this.
   */
  async pause(kind: GateKind, name: string): Promise<void> {
    await pauseGate(this.#db, kind, name, true);
    this.#announcer.closed(kind, name);
  }

  async resume(kind: GateKind, name: string): Promise<void> {
    await pauseGate(this.#db, kind, name, false);
  }

  /**
   * Overrides what the code declares, until the code declares something else.
   * @throws limit_invalid
   */
  async limit(kind: GateKind, name: string, limits: Limits): Promise<void> {
    checkLimits(limits);
    await setLimits(this.#db, kind, name, limits);
  }

  /** Lets nothing through for so many milliseconds, as an upstream asked for. A longer closing stays. */
  async close(kind: GateKind, name: string, ms: number): Promise<void> {
    await closeGate(this.#db, kind, name, ms);
    this.#announcer.closed(kind, name);
  }

  /** Those that restrict something or did. */
  async list(): Promise<Gate[]> {
    return listGates(this.#db);
  }

  /**
   * Makes what the code declares effective, where it declares something new. Called when an engine starts.
   * @throws limit_invalid
   */
  async declare(tasks: readonly Task[], queues: Readonly<Record<string, Limits>>): Promise<void> {
    const declared = [
      ...tasks.map(({ name, maxRunning, rate }) => ({
        kind: 'task' as const,
        name,
        limits: { maxRunning, rate },
      })),
      ...Object.entries(queues).map(([name, limits]) => ({ kind: 'queue' as const, name, limits })),
    ];
    for (const { limits } of declared) checkLimits(limits);
    await declareLimits(this.#db, declared);
  }
}

function checkLimits({ maxRunning, rate }: Limits): void {
  if (maxRunning != null && !isCount(maxRunning)) {
    throw engineErrors.limit_invalid('maxRunning must be a whole number, 0 or more, or null.', {
      fields: [{ field: 'max_running', message: 'must be a whole number, 0 or more' }],
    });
  }
  if (rate != null && !isRate(rate)) {
    throw engineErrors.limit_invalid('rate must have a whole count and a whole periodMs, each 1 or more.', {
      fields: [{ field: 'rate', message: 'must have a whole count and a whole period, each 1 or more' }],
    });
  }
}
