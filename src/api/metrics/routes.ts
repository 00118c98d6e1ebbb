import { z } from 'zod';
import type { HttpApp } from '../../http/app.js';
import { problems } from '../../http/problem.js';
import { formatFor } from '../../telemetry/metrics/format.js';
import type { ApiDeps } from '../deps.js';

const text = z.string();

export function registerMetricsRoutes(app: HttpApp, { metrics }: ApiDeps): void {
  app.get(
    '/metrics',
    {
      config: { permission: 'system:read', watches: true },
      schema: {
        summary: 'Metrics for Prometheus; OpenMetrics with exemplars for whoever accepts it',
        tags: ['system'],
        response: {
          200: {
            description: 'The values, in the format that `Accept` prefers',
            content: {
              'text/plain': { schema: text },
              'application/openmetrics-text': { schema: text },
            },
          },
          ...problems(401),
        },
      },
    },
    async (request, reply) => {
      const { contentType, text: body } = await metrics.scrape(formatFor(request.headers.accept));
      return reply.type(contentType).send(body);
    },
  );
}
