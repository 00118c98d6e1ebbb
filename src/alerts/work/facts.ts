import type { Queryable } from '../../database/queryable.js';
import { type Census, takeCensus } from '../../engine/census.js';
import type { StuckWork } from '../../engine/findings/findings.js';

/** What the rules about work are judged by: the same that the metrics of the whole system are made from. */
export interface WorkFacts extends Census {
  /** When it was read. */
  readonly at: Date;
}

export async function readWorkFacts(db: Queryable, stuckWork: StuckWork): Promise<WorkFacts> {
  const at = new Date();
  return Object.freeze({ ...(await takeCensus(db, stuckWork)), at });
}
