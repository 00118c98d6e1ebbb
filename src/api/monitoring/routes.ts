import { databaseErrors } from '../../database/errors.js';
import { AbortReason } from '../../foundation/abort.js';
import { SharedRead } from '../../health/shared-read.js';
import type { HttpApp } from '../../http/app.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import { codeOf } from '../health/report.js';
import { metricsJson, metricsSchema } from './metrics.js';
import { readTasks, type TaskMonitor, tasksSchema } from './tasks.js';

const tags = ['monitoring'];
const config = { permission: 'system:read', watches: true } as const;
const tasksTimeoutMs = 5_000;

export function registerMonitoringRoutes(app: HttpApp, { engine, database, monitor }: ApiDeps): void {
  app.get(
    '/api/v1/monitoring/metrics',
    {
      config,
      schema: {
        summary: 'Health, workers, queues, jobs, requests, this process and its connections, as JSON',
        tags,
        response: { 200: metricsSchema, 503: metricsSchema, ...problems(401) },
      },
    },
    async (_request, reply) => {
      const [report, known] = await Promise.all([monitor.health.report(), monitor.work.known()]);
      const snapshot = { process: monitor.process.snapshot(), connections: database.connections };
      const body = metricsJson({ report, known, requests: app.requestStatistics, ...snapshot });
      return reply.code(codeOf(report)).send(body);
    },
  );
  const tasks = new SharedRead({ timeoutMs: tasksTimeoutMs, read: () => readTasks(engine) });
  // The second is what the dashboards of task queues elsewhere ask for.
  for (const url of ['/api/v1/monitoring/tasks', '/api/v1/monitoring/celery/tasks']) {
    app.get(
      url,
      {
        config,
        schema: {
          summary: 'Workers, their active and reserved jobs, what waits for its time, and statistics by task',
          tags,
          response: { 200: tasksSchema, ...problems(401, 503) },
        },
      },
      async () => inTime(tasks),
    );
  }
}

/** @throws database_timeout */
async function inTime(tasks: SharedRead<TaskMonitor>): Promise<TaskMonitor> {
  try {
    return await tasks.get();
  } catch (error) {
    if (error instanceof AbortReason) throw databaseErrors.database_timeout(error.message, { cause: error });
    throw error;
  }
}
