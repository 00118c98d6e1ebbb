import type { Engine } from '../engine/engine.js';
import type { WorkFinding } from '../engine/findings/findings.js';
import type { WorkerInfo } from '../engine/job.js';
import type { LaneCounts } from '../engine/sql/snapshot.js';
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

/** Reads it once for all who ask at the same moment. */
export function workReader(engine: Engine): SharedRead<Work> {
  return new SharedRead({ timeoutMs, read: () => readWork(engine) });
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
