import type { Database } from '../../database/database.js';
import type { HealthCheck } from '../check.js';

/** Whether the database answers a statement. Essential: nothing can be accepted or looked up without it. */
export function databaseCheck(database: Database): HealthCheck {
  return {
    name: 'database',
    essential: true,
    async run() {
      await database.query('select 1');
    },
  };
}
