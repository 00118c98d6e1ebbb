import { z } from 'zod';
import { withTimeout } from '../../foundation/abort.js';
import { messageOf } from '../../foundation/errors.js';
import type { HealthReport } from '../../health/check.js';
import type { HttpApp } from '../../http/app.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import { findingJson, findingSchema } from '../findings.js';

/** A load balancer that waits for longer takes the process out anyway. */
const readyTimeoutMs = 2_000;

const tags = ['health'];
const open = { permission: 'public' } as const;
const status = z.enum(['healthy', 'unhealthy']);

const readySchema = z.object({
  status,
  reason: z.string().nullable().describe('What the process waits for, when it is not ready'),
});

const workSchema = z.object({ status, findings: z.array(findingSchema) });

const reportSchema = z
  .object({
    status,
    timestamp: z.iso.datetime(),
    services: z.record(
      z.string(),
      z.object({ status, latency_ms: z.number(), error: z.string().optional() }),
    ),
  })
  .meta({ id: 'HealthReport' });

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
      config: { permission: 'system:read' },
      schema: {
        summary: 'Accepted work is being done: the gate after a deploy',
        tags,
        response: { 200: workSchema, 503: workSchema, ...problems(401) },
      },
    },
    async (_request, reply) => {
      const findings = (await deps.engine.findings()).map(findingJson);
      const healthy = findings.length === 0;
      return reply.code(healthy ? 200 : 503).send({ status: healthy ? 'healthy' : 'unhealthy', findings });
    },
  );
  app.get(
    '/api/v1/health',
    {
      config: open,
      schema: {
        summary: 'Every dependency, with its latency',
        tags,
        response: { 200: reportSchema, 503: reportSchema },
      },
    },
    async (_request, reply) => {
      const report = await deps.health.report();
      return reply.code(report.healthy ? 200 : 503).send(reportJson(report));
    },
  );
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

function reportJson(report: HealthReport): z.output<typeof reportSchema> {
  const word = (healthy: boolean) => (healthy ? 'healthy' : 'unhealthy');
  return {
    status: word(report.healthy),
    timestamp: report.at.toISOString(),
    services: Object.fromEntries(
      report.checks.map(({ name, healthy, latencyMs, error }) => [
        name,
        { status: word(healthy), latency_ms: latencyMs, ...(error === null ? {} : { error }) },
      ]),
    ),
  };
}
