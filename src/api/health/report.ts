import { z } from 'zod';
import type { CheckResult, HealthReport } from '../../health/check.js';
import type { KnownWork } from '../../health/work.js';
import { count, milliseconds } from '../measured.js';
import { queuesJson, queuesSchema, workersJson, workersSchema } from './work.js';

export const healthStatus = z.enum(['healthy', 'degraded', 'unhealthy']);

/** Without the permission `system:read` only `status` is there. */
const serviceSchema = z
  .object({
    status: healthStatus,
    latency_ms: milliseconds.nullable().optional().describe('`null`: no answer, or not the right one'),
    measured_at: z.iso.datetime().optional().describe('When it answered, or was given up'),
    essential: z.boolean().optional().describe('Whether its failure makes the whole unhealthy'),
    error: z.string().optional().describe('What is wrong'),
  })
  .meta({ id: 'ServiceHealth' });

export const servicesSchema = z.record(z.string(), serviceSchema);

const uptime = count.describe('Whole seconds since the process started, at `timestamp`');
const unknown = '`null`: not known; `reason` says why';
export const reasonUnknown = z.string().nullable().describe('Why workers and queues are not known');

export const reportSchema = z
  .object({
    status: healthStatus,
    timestamp: z.iso.datetime(),
    services: servicesSchema,
    workers: workersSchema.nullable().optional().describe(unknown),
    queues: queuesSchema.nullable().optional().describe(unknown),
    reason: reasonUnknown.optional(),
    uptime_seconds: uptime.optional(),
  })
  .meta({ id: 'HealthReport' });

export const adminReportSchema = z
  .object({
    status: healthStatus,
    timestamp: z.iso.datetime(),
    services: z.record(z.string(), healthStatus),
    checks: servicesSchema.optional().describe('The same services, with their latency'),
    workers: workersSchema
      .extend({ estimated_active: count.describe('The live workers, by their leases: not an estimate') })
      .nullable()
      .optional()
      .describe(unknown),
    queues: queuesSchema.nullable().optional().describe(unknown),
    reason: reasonUnknown.optional(),
    uptime_seconds: uptime.optional(),
  })
  .meta({ id: 'AdminHealthReport' });

/** What those may see who may see more than the status. */
export interface Details {
  readonly known: KnownWork;
  readonly uptimeSeconds: number;
}

/** A degraded process still serves: whoever watches the code alone must not take it out. */
export function codeOf({ status }: HealthReport): 200 | 503 {
  return status === 'unhealthy' ? 503 : 200;
}

export function servicesJson({ checks }: HealthReport, full: boolean): z.output<typeof servicesSchema> {
  return Object.fromEntries(
    checks.map((check) => [check.name, full ? serviceJson(check) : { status: check.status }]),
  );
}

export function reportJson(
  report: HealthReport,
  details: Details | undefined,
): z.output<typeof reportSchema> {
  return {
    status: report.status,
    timestamp: report.at.toISOString(),
    services: servicesJson(report, details !== undefined),
    ...(details === undefined ? {} : detailsJson(details)),
  };
}

export function adminReportJson(
  report: HealthReport,
  details: Details | undefined,
): z.output<typeof adminReportSchema> {
  const json = {
    status: report.status,
    timestamp: report.at.toISOString(),
    services: Object.fromEntries(report.checks.map(({ name, status }) => [name, status])),
  };
  if (details === undefined) return json;
  const { workers, ...rest } = detailsJson(details);
  return {
    ...json,
    checks: servicesJson(report, true),
    workers: workers && { estimated_active: workers.live, ...workers },
    ...rest,
  };
}

function detailsJson({ known: { work, reason }, uptimeSeconds }: Details) {
  return {
    workers: work === undefined ? null : workersJson(work),
    queues: work === undefined ? null : queuesJson(work),
    reason,
    uptime_seconds: Math.floor(uptimeSeconds),
  };
}

function serviceJson({ status, latencyMs, measuredAt, essential, error }: CheckResult) {
  return {
    status,
    latency_ms: latencyMs,
    measured_at: measuredAt.toISOString(),
    essential,
    ...(error === null ? {} : { error }),
  };
}
