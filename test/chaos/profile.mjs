/**
 * Durations and rates of one campaign, milliseconds.
 * @typedef {object} Profile
 * @property {number} leaseMs
 * @property {number} promisedRescueMs From a worker's death until its jobs are in the queue again.
 * @property {number} housekeepingMs
 * @property {number} pollMs
 * @property {number} drainTimeoutMs
 * @property {number} statementTimeoutMs
 * @property {number} connectTimeoutMs
 * @property {number} drainedWithinMs From the end of the faults until every job is final.
 * @property {number} wakeUpWithinMs How long a job may wait for an idle worker.
 * @property {readonly [number, number]} gapMs Between two faults.
 * @property {readonly [number, number]} outlastMs Long enough to lose the lease.
 * @property {readonly [number, number]} shortMs Too short for that.
 * @property {readonly ('up' | 'down' | 'both')[]} delayWays What is kept back: to the database, from it, or both.
 * @property {number} delayOutlasts Share of the delays that outlast the lease.
 * @property {number} enqueuerShare How often a bad line is an enqueuer's and not a worker's.
 * @property {number} quietMs After a quiet kill nothing else is broken for so long.
 * @property {readonly [number, number]} workers
 * @property {readonly string[]} routes How workers reach the database, in turn: `direct`, through a bad line (`proxy`), through
 *   pgbouncer alone (`pooled`), or with a direct URL for LISTEN beside it (`mixed`).
 * @property {number} concurrency Jobs at once in a worker.
 * @property {number} operationsPerSecond Of one enqueuer.
 * @property {readonly [number, number]} quickMs
 * @property {readonly [number, number]} slowMs
 * @property {readonly [number, number]} laterMs How far ahead jobs are scheduled.
 * @property {readonly [number, number]} deadlineMs How far ahead deadlines and expiries are.
 * @property {Readonly<Record<string, number>>} tasks Weights.
 * @property {Readonly<Record<string, number>>} deck How often each fault is in the pack of cards that is dealt.
 */

/** The engine's defaults, and the promises that are made for them. @type {Profile} */
export const standardProfile = Object.freeze({
  leaseMs: 10_000,
  promisedRescueMs: 15_000,
  housekeepingMs: 1_000,
  pollMs: 1_000,
  drainTimeoutMs: 4_000,
  statementTimeoutMs: 5_000,
  connectTimeoutMs: 3_000,
  drainedWithinMs: 120_000,
  wakeUpWithinMs: 3_000,
  gapMs: [300, 2_200],
  outlastMs: [11_000, 15_000],
  shortMs: [500, 4_000],
  delayWays: ['up', 'down', 'both'],
  delayOutlasts: 0.6,
  enqueuerShare: 0.25,
  quietMs: 17_000,
  workers: [5, 10],
  routes: ['direct', 'proxy', 'pooled', 'proxy', 'mixed', 'proxy'],
  concurrency: 10,
  operationsPerSecond: 11,
  quickMs: [0, 40],
  slowMs: [300, 4_000],
  laterMs: [500, 15_000],
  deadlineMs: [300, 8_000],
  tasks: {
    quick: 36,
    slow: 22,
    flaky: 10,
    permanent: 4,
    exhausted: 4,
    snoozing: 8,
    overdue: 3,
    stubborn: 4,
    keyed: 12,
    narrow: 5,
    gated: 6,
    single: 10,
    booked: 10,
  },
  deck: {
    kill: 6,
    kill_several: 1,
    kill_quietly: 1,
    kill_enqueuer: 2,
    join: 5,
    leave: 5,
    stop: 4,
    stop_briefly: 2,
    block: 3,
    terminate_storm: 3,
    restart_postgres: 2,
    restart_pooler: 1,
    change_gate: 6,
    delay_packets: 5,
    delay_statement: 4,
    black_hole: 2,
    half_open: 4,
    cut_connections: 3,
  },
});

/** Everything shorter, for the self-test: a planted bug must show within seconds. @type {Profile} */
export const quickProfile = Object.freeze({
  ...standardProfile,
  leaseMs: 3_000,
  promisedRescueMs: 6_500,
  housekeepingMs: 250,
  pollMs: 250,
  drainTimeoutMs: 1_500,
  statementTimeoutMs: 2_000,
  connectTimeoutMs: 1_500,
  drainedWithinMs: 12_000,
  wakeUpWithinMs: 2_000,
  gapMs: [100, 500],
  outlastMs: [3_700, 5_000],
  shortMs: [100, 600],
  quietMs: 6_500,
  workers: [6, 8],
  routes: ['proxy', 'direct', 'proxy', 'pooled', 'proxy'],
  slowMs: [300, 3_500],
  laterMs: [200, 3_000],
  tasks: {
    quick: 22,
    slow: 50,
    flaky: 8,
    permanent: 2,
    snoozing: 5,
    keyed: 6,
    narrow: 2,
    single: 3,
    booked: 6,
  },
  deck: { kill: 4, join: 4, leave: 2, stop: 6, block: 2, delay_packets: 6, half_open: 1 },
});
