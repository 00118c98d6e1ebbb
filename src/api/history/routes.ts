import { z } from 'zod';
import { readSeries } from '../../history/series.js';
import type { HttpApp } from '../../http/app.js';
import { fieldsInvalid } from '../../http/errors.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import { objectiveJson, objectiveSchema, pointJson, pointSchema, stateJson, stateShape } from './schemas.js';

const tags = ['history'];
const config = { permission: 'system:read' } as const;

/** Seconds. Intervals begin at whole multiples since the epoch, so at the minute, hour or day of UTC. */
const steps = { '1m': 60, '5m': 300, '15m': 900, '1h': 3_600, '6h': 21_600, '1d': 86_400 } as const;
const stepNames = Object.keys(steps) as (keyof typeof steps)[];
const mostPoints = 1_500;
const hourMs = 3_600_000;
const name = z.string().min(1).max(200);
const instant = z.iso.datetime({ offset: true }).max(40);

const historyQuery = z.strictObject({
  from: instant.optional().describe('An hour before `to` when it is not given'),
  to: instant.optional().describe('Now when it is not given'),
  step: z
    .enum(stepNames as [keyof typeof steps, ...(keyof typeof steps)[]])
    .default('1m')
    .describe('Shorter than 1h: the last 7 days are kept, else 90'),
  queue: name.optional(),
  task: name.optional(),
});

export function registerHistoryRoutes(app: HttpApp, { database, objectives }: ApiDeps): void {
  app.get(
    '/api/v1/history',
    {
      config,
      schema: {
        summary: 'What happened in each interval: jobs, their waits and runs, requests',
        tags,
        querystring: historyQuery,
        response: {
          200: z.object({ ...stateShape, step_ms: z.int(), points: z.array(pointSchema) }),
          ...problems(401, 422),
        },
      },
    },
    async ({ query }) => {
      const { queue = null, task = null } = query;
      const { from, to } = rangeOf(query.from, query.to);
      const step = steps[query.step];
      if ((to.getTime() - from.getTime()) / (step * 1_000) > mostPoints) {
        throw fieldsInvalid([
          {
            field: 'step',
            message: `must be longer for that time: at most ${mostPoints} points are answered`,
          },
        ]);
      }
      const { state, points } = await readSeries(database, { from, to, step, queue, task });
      return { ...stateJson(state), step_ms: step * 1_000, points: points.map(pointJson) };
    },
  );
  app.get(
    '/api/v1/slos',
    {
      config,
      schema: {
        summary: 'Objectives: how they are met, what is left of their budgets, how fast it is used',
        tags,
        response: { 200: z.object({ ...stateShape, items: z.array(objectiveSchema) }), ...problems(401) },
      },
    },
    async () => {
      const { state, measured } = await objectives.read();
      return { ...stateJson(state), items: measured.map(objectiveJson) };
    },
  );
}

/** @throws fields_invalid */
function rangeOf(from: string | undefined, to: string | undefined): { from: Date; to: Date } {
  const end = to === undefined ? new Date() : new Date(to);
  const begin = from === undefined ? new Date(end.getTime() - hourMs) : new Date(from);
  if (begin >= end) throw fieldsInvalid([{ field: 'from', message: 'must be before `to`' }]);
  return { from: begin, to: end };
}
