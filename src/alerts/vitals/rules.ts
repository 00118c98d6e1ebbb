import { formatDuration } from '../../foundation/time.js';
import type { ProcessRecord } from '../../health/vitals/vitals.js';
import type { AlertRule, Observation, PrometheusForm, Severity } from '../rule.js';
import { livingOf, lostAfterMs, lostOf, nameOf, type ProcessFacts } from './facts.js';
import { sharedRules } from './shared-rules.js';

type VitalsRule = AlertRule<ProcessFacts>;

const page = '/';

/** The pause lets processes that could not write while the database was away do so before anybody calls them lost. */
const processLost: VitalsRule = {
  name: 'ProcessLost',
  severity: 'critical',
  forMs: 10_000,
  help: `A process has not been heard of for ${formatDuration(lostAfterMs)} and did not stop in order. Told for a day, or until another one with its roles was started after it.`,
  remedy: 'Look whether it was killed, hangs, or is cut off from the database, and start it again.',
  // `ProcessDown` tells it: what does not answer is not scraped.
  prometheus: null,
  page,
  observe: ({ processes }) =>
    lostOf(processes).map((one) => ({
      labels: labelsOf(one),
      value: one.ageMs / 1_000,
      summary: `${nameOf(one)} has not been heard of for ${formatDuration(one.ageMs)}.`,
    })),
};

interface Judged {
  readonly name: string;
  readonly severity: Severity;
  readonly forMs: number;
  readonly help: string;
  readonly remedy: string;
  readonly prometheus: PrometheusForm;
  /** `undefined`: it is well, or not known. */
  readonly bad: (one: ProcessRecord) => { readonly value: number; readonly says: string } | undefined;
}

/** One that looks at each living process by itself. */
function ofEach({ bad, ...traits }: Judged): VitalsRule {
  return {
    ...traits,
    page,
    observe: ({ processes }) =>
      livingOf(processes).flatMap((one): Observation[] => {
        const found = bad(one);
        if (found === undefined) return [];
        return [{ labels: labelsOf(one), value: found.value, summary: `${nameOf(one)} ${found.says}.` }];
      }),
  };
}

function labelsOf({ hostname, pid }: ProcessRecord): Record<string, string> {
  return { host: hostname, pid: String(pid) };
}

const mostMemory = 0.9;

const memoryHigh = ofEach({
  name: 'MemoryHigh',
  severity: 'critical',
  forMs: 120_000,
  help: 'A process uses over 90 % of the memory that it may have.',
  remedy: 'Give it more, lower its concurrency, or look for what it keeps: at its limit it is killed.',
  prometheus: {
    expr: `process_resident_memory_bytes / signalbox_process_memory_limit_bytes >= ${mostMemory}`,
  },
  bad: ({ rssBytes, memoryLimitBytes }) => {
    const share = rssBytes / memoryLimitBytes;
    return share < mostMemory ? undefined : { value: share, says: `uses ${percent(share)} of its memory` };
  },
});

const mostCpu = 0.8;

const cpuHigh = ofEach({
  name: 'CpuHigh',
  severity: 'warning',
  forMs: 300_000,
  help: 'A process has used over 80 % of the processors that it may use for five minutes.',
  remedy: 'Start more processes, lower its concurrency, or give it more processors.',
  prometheus: { expr: `rate(process_cpu_seconds_total[1m]) / signalbox_process_cpus >= ${mostCpu}` },
  bad: ({ cpuShare }) =>
    cpuShare === null || cpuShare < mostCpu
      ? undefined
      : { value: cpuShare, says: `uses ${percent(cpuShare)} of its processors` },
});

/** Every request waits for as long on the way in and again at each step, so half a second makes answers of seconds. */
const mostLagMs = 500;

const eventLoopLag = ofEach({
  name: 'EventLoopLag',
  severity: 'warning',
  forMs: 60_000,
  help: 'The event loop of a process was late by over 500 ms in a hundredth of the time, again and again for a minute.',
  remedy:
    'Look for a handler that computes for long without a pause, and move that work into a thread or a process.',
  prometheus: {
    expr: `max by (job, instance) (signalbox_event_loop_lag_seconds{percentile="99"}) >= ${mostLagMs / 1_000}`,
  },
  bad: ({ loopLagP99Ms }) =>
    loopLagP99Ms === null || loopLagP99Ms < mostLagMs
      ? undefined
      : {
          value: loopLagP99Ms / 1_000,
          says: `has an event loop that is late by ${formatDuration(loopLagP99Ms)}`,
        },
});

const poolExhausted = ofEach({
  name: 'PoolExhausted',
  severity: 'critical',
  forMs: 60_000,
  help: 'All connections of the pool of a process are in use, and others wait for one.',
  remedy:
    'Raise DATABASE_POOL_SIZE, or look in pg_stat_activity for statements and locks that hold connections.',
  prometheus: {
    expr: 'signalbox_db_pool_waiting > 0 and signalbox_db_pool_in_use >= signalbox_db_pool_size',
  },
  bad: ({ poolWaiting, poolInUse, poolSize }) =>
    poolWaiting === 0 || poolInUse < poolSize
      ? undefined
      : {
          value: poolWaiting,
          says: `has all ${poolSize} connections in use, and waiting for one: ${poolWaiting}`,
        },
});

const slowestMs = 2_000;
/** Fewer say nothing: one of five that was slow is no trend. */
const leastRequests = 20;
/** What watches the process is quick, asked often, and would hide what is not. */
const watching = '/metrics|/health.*|/admin/health|/api/v1/health|/api/v1/monitoring/.*';
const durations = (what: string) => `http_request_duration_seconds_${what}{route!~"${watching}"}[5m]`;

const httpSlow = ofEach({
  name: 'HttpSlow',
  severity: 'warning',
  forMs: 60_000,
  help: `Of at least ${leastRequests} requests to a server within five minutes, one in twenty took over 2 s.`,
  remedy: 'Look in http_request_duration_seconds for the route, and in the log for its requests.',
  prometheus: {
    expr: `histogram_quantile(0.95, sum by (job, instance, le) (rate(${durations('bucket')}))) >= ${slowestMs / 1_000} and sum by (job, instance) (increase(${durations('count')})) >= ${leastRequests}`,
  },
  bad: ({ httpSamples, httpP95Ms }) =>
    httpP95Ms === null || httpP95Ms < slowestMs || (httpSamples ?? 0) < leastRequests
      ? undefined
      : {
          value: httpP95Ms / 1_000,
          says: `takes ${formatDuration(httpP95Ms)} or longer for one in twenty of ${httpSamples} requests`,
        },
});

/** `0.125` → `13 %` */
function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** About the processes, and what they depend on. */
export const vitalsRules: readonly VitalsRule[] = Object.freeze([
  processLost,
  memoryHigh,
  cpuHigh,
  eventLoopLag,
  poolExhausted,
  httpSlow,
  ...sharedRules,
]);
