import type { Database } from '../../../database/database.js';
import { Leadership } from '../../../engine/leadership.js';
import type { Logger } from '../../../foundation/logger.js';
import { pruneSpans } from './store.js';

const batch = 5_000;

/** Removes spans that are too old, in one process at a time. */
export function spanPruner(options: {
  readonly db: Database;
  readonly logger: Logger;
  readonly keepMs: number;
}): Leadership<number> {
  const { db, logger, keepMs } = options;
  return new Leadership({
    db,
    logger,
    name: 'spans',
    intervalMs: 60_000,
    leaseTurns: 3,
    turn: async () => {
      let removed = 0;
      for (let last = batch; last === batch; removed += last) last = await pruneSpans(db, keepMs, batch);
      return removed;
    },
  });
}
