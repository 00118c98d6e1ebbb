import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { withTimeout } from '../../foundation/abort.js';
import { messageOf } from '../../foundation/errors.js';
import type { HealthReport } from '../../health/check.js';
import type { HttpApp } from '../../http/app.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import { findingJson, findingSchema } from '../findings.js';
import { measuredAt } from '../measured.js';
import {
  adminReportJson,
  adminReportSchema,
  codeOf,
  type Details,
  reportJson,
  reportSchema,
} from './report.js';

/** A load balancer that waits for longer takes the process out anyway. */
const readyTimeoutMs = 2_000;

const tags = ['health'];
const open = { permission: 'public', watches: true } as const;
/** Public, and more for those who may read the system. */
const identified = { permission: 'public', identify: true, watches: true } as const;
const status = z.enum(['healthy', 'unhealthy']);

const readySchema = z.object({
  status,
  reason: z.string().nullable().describe('What the process waits for, when it is not ready'),
});

const workSchema = z.object({ status, findings: z.array(findingSchema), measured_at: measuredAt });

export function registerHealthRoutes(app: HttpApp, deps: ApiDeps): void {
  app.get(
    '/health',
    {
      config: open,
      schema: {
        summary: 'The process answers',
        tags,
        response: { 200: z.object({ status: z.literal('healthy') }) },
      },
    },
    async () => ({ status: 'healthy' as const }),
  );
  app.get(
    '/health/ready',
    {
      config: open,
      schema: {
        summary: 'The process can serve: for load balancers',
        tags,
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const reason = await reasonNotReady(deps);
      return reply
        .code(reason === null ? 200 : 503)
        .send({ status: reason === null ? 'healthy' : 'unhealthy', reason });
    },
  );
  app.get(
    '/health/work',
    {
      config: { permission: 'system:read', watches: true },
      schema: {
        summary: 'Accepted work is being done: the gate after a deploy',
        tags,
        response: { 200: workSchema, 503: workSchema, ...problems(401) },
      },
    },
    async (_request, reply) => {
      const findings = (await deps.engine.findings()).map(findingJson);
      const healthy = findings.length === 0;
      return reply.code(healthy ? 200 : 503).send({
        status: healthy ? 'healthy' : 'unhealthy',
        findings,
        measured_at: new Date().toISOString(),
      });
    },
  );
  app.get(
    '/api/v1/health',
    {
      config: identified,
      schema: {
        summary:
          'Every service, its latency, workers and queues; without `system:read` only the status of each',
        tags,
        response: { 200: reportSchema, 503: reportSchema, ...problems(401) },
      },
    },
    async (request, reply) => {
      const { report, details } = await examine(deps, request);
      return reply.code(codeOf(report)).send(reportJson(report, details));
    },
  );
  app.get(
    '/admin/health',
    {
      config: identified,
      schema: {
        summary: 'The same, with one word for each service',
        tags,
        response: { 200: adminReportSchema, 503: adminReportSchema, ...problems(401) },
      },
    },
    async (request, reply) => {
      const { report, details } = await examine(deps, request);
      return reply.code(codeOf(report)).send(adminReportJson(report, details));
    },
  );
}

async function examine(
  { monitor }: ApiDeps,
  { principal }: FastifyRequest,
): Promise<{ report: HealthReport; details: Details | undefined }> {
  if (!principal.has('system:read')) return { report: await monitor.health.report(), details: undefined };
  // At once, so that the checks of workers and queues and these numbers come from one read.
  const [report, known] = await Promise.all([monitor.health.report(), monitor.work.known()]);
  return { report, details: { known, uptimeSeconds: process.uptime() } };
}

/** Public, so it says what is wrong in words of ours alone. */
async function reasonNotReady({ schemaIsCurrent, logger }: ApiDeps): Promise<string | null> {
  try {
    return (await withTimeout(schemaIsCurrent(), readyTimeoutMs, 'the schema check'))
      ? null
      : 'The database lacks migrations: run `signalbox migrate up`.';
  } catch (error) {
    logger.warn({ error: messageOf(error) }, 'not ready: the schema cannot be checked');
    return 'The database does not answer.';
  }
}
