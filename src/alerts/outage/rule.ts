import { failuresOfOutage } from '../../health/pulse/database-pulse.js';
import type { RuleTraits } from '../rule.js';

/** Each server judges it by itself, see `DatabaseOutage`: whoever evaluates the others reads the database. */
export const databaseDown: RuleTraits = Object.freeze({
  name: 'DatabaseDown',
  severity: 'critical',
  forMs: 0,
  help: `A server gets no answer from the database: ${failuresOfOutage} pings in a row failed.`,
  remedy:
    'Look at PostgreSQL and at the network to it. Until it answers nothing is accepted and nothing is run.',
  prometheus: { expr: 'signalbox_database_up == 0' },
  page: '/',
});
