import type { Queryable } from '../../database/queryable.js';
import { runningProcesses } from '../../health/vitals/store.js';
import type { ProcessRecord } from '../../health/vitals/vitals.js';

/** How the processes fare that did not end in order. */
export interface ProcessFacts {
  /** The oldest first. */
  readonly processes: readonly ProcessRecord[];
}

/** Three turns in which a process should have said that it is there. */
export const lostAfterMs = 30_000;
/** Whoever was not replaced in a day is not meant to come back. */
const rememberedMs = 86_400_000;

export async function readProcessFacts(db: Queryable): Promise<ProcessFacts> {
  return Object.freeze({ processes: await runningProcesses(db, rememberedMs) });
}

export function livingOf(processes: readonly ProcessRecord[]): ProcessRecord[] {
  return processes.filter(({ ageMs }) => ageMs <= lostAfterMs);
}

/** Those that are gone without a word and that no other took the place of: each living one takes that of one. */
export function lostOf(processes: readonly ProcessRecord[]): ProcessRecord[] {
  const free = livingOf(processes);
  return processes
    .filter(({ ageMs, stoppingAt }) => ageMs > lostAfterMs && stoppingAt === null)
    .sort((a, b) => a.seenAt.getTime() - b.seenAt.getTime())
    .filter((lost) => {
      const heir = free.findIndex((one) => sameRoles(one, lost) && one.startedAt > lost.seenAt);
      if (heir !== -1) free.splice(heir, 1);
      return heir === -1;
    });
}

function sameRoles(a: ProcessRecord, b: ProcessRecord): boolean {
  return [...a.roles].sort().join() === [...b.roles].sort().join();
}

/** At the beginning of a sentence. */
export function nameOf({ roles, hostname, pid }: ProcessRecord): string {
  return `The ${roles.join(' and ')} on ${hostname} (process ${pid})`;
}
