import { z } from 'zod';
import type { Database } from '../../database/database.js';
import type { HealthReport } from '../../health/check.js';
import type { ProcessSnapshot } from '../../health/process-monitor.js';
import type { KnownWork, Work } from '../../health/work.js';
import type { RequestFigures, RequestStatistics } from '../../http/request-statistics.js';
import { healthStatus, reasonUnknown, servicesJson, servicesSchema } from '../health/report.js';
import { queuesJson, queuesSchema, workersJson, workersSchema } from '../health/work.js';
import { addUp, jobCountsShape } from '../job-counts.js';
import { count, measuredAt, milliseconds } from '../measured.js';

const time = z.iso.datetime();
const ratio = z.number().min(0);
const nothing = '`null`: there was nothing to measure';

const figuresSchema = z
  .object({
    since: time.describe('Begin of the window'),
    total: count,
    client_errors: count.describe('Answered with 400 to 499'),
    server_errors: count.describe('Answered with 500 or above'),
    error_ratio: ratio.max(1).nullable().describe(`\`server_errors\` of \`total\`; ${nothing}`),
    samples: count.describe('Answers on which the times rest: all but event streams'),
    mean_ms: milliseconds.nullable().describe(nothing),
    p95_ms: milliseconds.nullable().describe(`From a histogram, right within a tenth; ${nothing}`),
  })
  .meta({ id: 'RequestFigures' });

const processSchema = z
  .object({
    measured_at: measuredAt,
    started_at: time,
    pid: z.int(),
    memory: z.object({ rss_bytes: count, heap_used_bytes: count, heap_total_bytes: count }),
    window_ms: milliseconds.describe('The last minute or two: what the rates below are of'),
    cpu_ratio: ratio.nullable().describe('Of one core; `null`: the window is too short'),
    event_loop: z.object({
      utilization: ratio.nullable().describe('Busy share of the window; `null`: the window is too short'),
      delay: z
        .object({ samples: count, mean_ms: milliseconds, p99_ms: milliseconds, max_ms: milliseconds })
        .nullable()
        .describe(`How late timers fired; ${nothing}`),
    }),
  })
  .meta({ id: 'ProcessFigures' });

const jobsSchema = z.object({ ...jobCountsShape, measured_at: measuredAt }).meta({ id: 'JobCounts' });

const unknown = '`null`: not known; `reason` says why';

export const metricsSchema = z
  .object({
    status: healthStatus,
    timestamp: time,
    uptime_seconds: count,
    services: servicesSchema,
    workers: workersSchema.nullable().describe(unknown),
    queues: queuesSchema.nullable().describe(unknown),
    jobs: jobsSchema.nullable().describe(unknown),
    reason: reasonUnknown,
    requests: z
      .object({ since_start: figuresSchema, recent: figuresSchema, measured_at: measuredAt })
      .describe('Of this process, without those of health and monitoring; recent: the last five minutes'),
    process: processSchema,
    database: z.object({
      pool: z.object({
        total: count,
        idle: count,
        in_use: count,
        waiting: count.describe('Statements that wait for a connection'),
        measured_at: measuredAt,
      }),
    }),
  })
  .meta({ id: 'MonitoringMetrics' });

export interface MetricsSources {
  readonly report: HealthReport;
  readonly known: KnownWork;
  readonly process: ProcessSnapshot;
  readonly requests: RequestStatistics;
  readonly connections: Database['connections'];
}

export function metricsJson(sources: MetricsSources): z.output<typeof metricsSchema> {
  const { report, requests } = sources;
  const { work, reason } = sources.known;
  const now = new Date().toISOString();
  const { total, idle, waiting } = sources.connections;
  return {
    status: report.status,
    timestamp: report.at.toISOString(),
    uptime_seconds: Math.floor(sources.process.uptimeSeconds),
    services: servicesJson(report, true),
    workers: work === undefined ? null : workersJson(work),
    queues: work === undefined ? null : queuesJson(work),
    jobs: work === undefined ? null : jobsJson(work),
    reason,
    requests: {
      since_start: figuresJson(requests.sinceStart()),
      recent: figuresJson(requests.recent()),
      measured_at: now,
    },
    process: processJson(sources.process),
    database: { pool: { total, idle, in_use: total - idle, waiting, measured_at: now } },
  };
}

function figuresJson(figures: RequestFigures): z.output<typeof figuresSchema> {
  return {
    since: figures.since.toISOString(),
    total: figures.total,
    client_errors: figures.clientErrors,
    server_errors: figures.serverErrors,
    error_ratio: figures.errorRatio,
    samples: figures.samples,
    mean_ms: rounded(figures.meanMs),
    p95_ms: rounded(figures.p95Ms),
  };
}

function processJson(snapshot: ProcessSnapshot): z.output<typeof processSchema> {
  const { rssBytes, heapUsedBytes, heapTotalBytes, loopDelay } = snapshot;
  return {
    measured_at: snapshot.at.toISOString(),
    started_at: snapshot.startedAt.toISOString(),
    pid: process.pid,
    memory: { rss_bytes: rssBytes, heap_used_bytes: heapUsedBytes, heap_total_bytes: heapTotalBytes },
    window_ms: Math.round(snapshot.windowMs),
    cpu_ratio: snapshot.cpuRatio,
    event_loop: {
      utilization: snapshot.loopUtilization,
      delay: loopDelay && {
        samples: loopDelay.samples,
        mean_ms: loopDelay.meanMs,
        p99_ms: loopDelay.p99Ms,
        max_ms: loopDelay.maxMs,
      },
    },
  };
}

function jobsJson({ lanes, at }: Work): z.output<typeof jobsSchema> {
  return { ...addUp(lanes).counts, measured_at: at.toISOString() };
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}
