import { formatDuration } from '../../foundation/time.js';
import type { ProcessRecord } from '../../health/vitals/vitals.js';
import type { AlertRule } from '../rule.js';
import { livingOf, type ProcessFacts } from './facts.js';

type SharedRule = AlertRule<ProcessFacts>;

interface Slow {
  readonly name: string;
  readonly what: string;
  readonly metric: string;
  readonly atLeastMs: number;
  readonly remedy: string;
  readonly pingOf: (one: ProcessRecord) => number | null;
}

/** What all processes share is told once, with how many of them see it. */
function slow({ name, what, metric, atLeastMs, remedy, pingOf }: Slow): SharedRule {
  return {
    name,
    severity: 'warning',
    forMs: 60_000,
    help: `${what} takes over ${formatDuration(atLeastMs)} to answer a ping of at least one process.`,
    remedy,
    prometheus: { expr: `max(${metric}) >= ${atLeastMs / 1_000}` },
    page: '/',
    observe: ({ processes }) => {
      const asked = livingOf(processes).flatMap((one) => pingOf(one) ?? []);
      const late = asked.filter((ms) => ms >= atLeastMs);
      if (late.length === 0) return [];
      const worst = Math.max(...late);
      const summary = `${what} takes ${formatDuration(worst)} to answer a ping; slow for ${late.length} of ${asked.length} processes.`;
      return [{ labels: {}, value: worst / 1_000, summary }];
    },
  };
}

const databaseSlow = slow({
  name: 'DatabaseSlow',
  what: 'The database',
  metric: 'signalbox_database_ping_seconds',
  atLeastMs: 500,
  remedy: 'Look at the load and the disks of the database, at long transactions, and at the network to it.',
  pingOf: ({ databasePingMs }) => databasePingMs,
});

const redisSlow = slow({
  name: 'RedisSlow',
  what: 'Redis',
  metric: 'signalbox_redis_ping_seconds',
  atLeastMs: 200,
  remedy: 'Look at the load of Redis (SLOWLOG GET), and at the network to it.',
  pingOf: ({ redisPingMs }) => redisPingMs,
});

const redisDown: SharedRule = {
  name: 'RedisDown',
  severity: 'critical',
  // Three pings in a row: one alone may be lost to a restart.
  forMs: 20_000,
  help: 'Redis does not answer a ping of at least one process.',
  remedy: 'Look whether Redis runs, and at REDIS_URL.',
  prometheus: { expr: 'min(signalbox_redis_up) == 0' },
  page: '/',
  observe: ({ processes }) => {
    const asked = livingOf(processes).filter(({ redisUp }) => redisUp !== null);
    const without = asked.filter(({ redisUp }) => redisUp === false).length;
    if (without === 0) return [];
    const summary = `Redis does not answer ${without} of ${asked.length} processes.`;
    return [{ labels: {}, value: without, summary }];
  },
};

/** About what the processes depend on. */
export const sharedRules: readonly SharedRule[] = Object.freeze([databaseSlow, redisSlow, redisDown]);
