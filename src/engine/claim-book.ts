import type { Queryable } from '../database/queryable.js';
import type { Fence } from './sql/settle.js';

const dropSql = `delete from signalbox.claim where id = any($1::bigint[])`;

/**
 * Which claims of this worker have how many jobs to settle. A claim's row goes with the last of them; while it stands,
 * its jobs are this worker's.
 */
export class ClaimBook {
  readonly #left = new Map<string, number>();
  /** Settled whole by statements that ran side by side: their rows are still there. */
  readonly #over = new Set<string>();

  /** Claims whose rows may be there. */
  get open(): readonly string[] {
    return [...this.#left.keys(), ...this.#over];
  }

  opened(claimId: string, jobs: number): void {
    if (jobs === 0) this.#over.add(claimId);
    else this.#left.set(claimId, jobs);
  }

  /** The claims whose rows can go in the statement that settles these jobs: nothing else of them is unsettled. */
  doneWith(batch: readonly Pick<Fence, 'claimId'>[]): string[] {
    const done = [...this.#over];
    for (const [claimId, jobs] of countByClaim(batch)) {
      if (this.#left.get(claimId) === jobs) done.push(claimId);
    }
    return done;
  }

  /** These jobs are settled, and the rows of `done` are gone. */
  settled(batch: readonly Pick<Fence, 'claimId'>[], done: readonly string[]): void {
    for (const claimId of done) this.#over.delete(claimId);
    for (const [claimId, jobs] of countByClaim(batch)) {
      const known = this.#left.get(claimId);
      if (known === undefined) continue;
      if (known > jobs) {
        this.#left.set(claimId, known - jobs);
      } else {
        this.#left.delete(claimId);
        if (!done.includes(claimId)) this.#over.add(claimId);
      }
    }
  }

  /** Removes the rows of claims that are over and that no outcome took along. */
  async sweep(db: Queryable): Promise<void> {
    const over = [...this.#over];
    if (over.length === 0) return;
    await db.query(dropSql, [over]);
    for (const claimId of over) this.#over.delete(claimId);
  }

  /** The incarnation is over: its claims are somebody else's matter. */
  clear(): void {
    this.#left.clear();
    this.#over.clear();
  }
}

function countByClaim(batch: readonly Pick<Fence, 'claimId'>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { claimId } of batch) counts.set(claimId, (counts.get(claimId) ?? 0) + 1);
  return counts;
}
