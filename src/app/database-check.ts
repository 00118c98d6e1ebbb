import type { Database } from '../database/database.js';
import type { HealthCheck } from '../health/check.js';

/** Whether the database answers a statement. */
export function databaseCheck(database: Database): HealthCheck {
  return {
    name: 'database',
    async run() {
      await database.query('select 1');
    },
  };
}
