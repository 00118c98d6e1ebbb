import { failuresOfOutage } from '../../health/pulse/database-pulse.js';
import type { AlertRule } from '../rule.js';

/**
 * Each server judges this by itself, see `DatabaseOutage`. Whoever evaluates rules reads the database, and so finds it
 * there: the rule stands among the others to be listed, silenced and rendered for Prometheus.
 */
export const databaseDown: AlertRule<unknown> = Object.freeze({
  name: 'DatabaseDown',
  severity: 'critical',
  forMs: 0,
  help: `A server gets no answer from the database: ${failuresOfOutage} pings in a row failed.`,
  remedy:
    'Look at PostgreSQL and at the network to it. Until it answers nothing is accepted and nothing is run.',
  prometheus: { expr: 'signalbox_database_up == 0' },
  page: '/',
  observe: () => [],
});
