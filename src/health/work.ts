import type { Engine } from '../engine/engine.js';
import type { WorkFinding } from '../engine/findings/findings.js';
import type { WorkerInfo } from '../engine/job.js';
import type { LaneCounts } from '../engine/sql/snapshot.js';
import type { Logger } from '../foundation/logger.js';
import { shownReason } from './check.js';
import { OutageLog } from './outage-log.js';
import { SharedRead } from './shared-read.js';

/** Who works, what waits, and what nobody does, as the database had it at one moment. */
export interface Work {
  readonly at: Date;
  readonly workers: readonly WorkerInfo[];
  readonly lanes: readonly LaneCounts[];
  readonly pausedQueues: ReadonlySet<string>;
  readonly findings: readonly WorkFinding[];
}

/** Shorter than a check may take, so that a check that rests on it can still say what is wrong. */
const timeoutMs = 1_500;

/** What is known of it, or why nothing is. The reason may be shown. */
export type KnownWork =
  | { readonly work: Work; readonly reason: null }
  | { readonly work: undefined; readonly reason: string };

/** Reads it once for all who ask at the same moment. */
export class WorkReader {
  readonly #read: SharedRead<Work>;
  readonly #outages: OutageLog;

  constructor(engine: Engine, logger: Logger) {
    this.#read = new SharedRead({ timeoutMs, read: () => readWork(engine) });
    this.#outages = new OutageLog(logger);
  }

  /** @throws AbortReason of kind `timeout`, and what the database throws */
  async get(): Promise<Work> {
    return this.#read.get();
  }

  /** Never rejects: a failure is told to the log, once for each change, and its reason is for whoever asks. */
  async known(): Promise<KnownWork> {
    try {
      const work = await this.#read.get();
      this.#outages.well('work');
      return { work, reason: null };
    } catch (error) {
      this.#outages.failed('work', error);
      return { work: undefined, reason: shownReason(error) };
    }
  }
}

/** One after the other: health never takes more than one connection from those who work. */
async function readWork(engine: Engine): Promise<Work> {
  const workers = await engine.workers();
  const lanes = await engine.jobs.lanes();
  const findings = await engine.findings();
  const gates = await engine.gates.list();
  const paused = gates.filter(({ kind, pausedAt }) => kind === 'queue' && pausedAt !== null);
  const pausedQueues = new Set(paused.map(({ name }) => name));
  return Object.freeze({ at: new Date(), workers, lanes, pausedQueues, findings });
}
