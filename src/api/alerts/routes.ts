import { z } from 'zod';
import { isId } from '../../foundation/ids.js';
import type { HttpApp } from '../../http/app.js';
import { decodeCursor, pageOf, pageQuery, toPage } from '../../http/pagination.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import {
  alertJson,
  alertParams,
  alertSchema,
  evaluationShape,
  noteJson,
  ruleJson,
  ruleSchema,
} from './schemas.js';

const tags = ['alerts'];
const read = { permission: 'system:read' } as const;
const write = { permission: 'system:write' } as const;

export function registerAlertRoutes(app: HttpApp, { alerts }: ApiDeps): void {
  app.get(
    '/api/v1/alerts',
    {
      config: read,
      schema: {
        summary: 'What is wrong now: alerts that are pending or firing',
        tags,
        response: { 200: z.object({ ...evaluationShape, items: z.array(alertSchema) }), ...problems(401) },
      },
    },
    async () => {
      const [open, note] = await Promise.all([alerts.open(), alerts.evaluation()]);
      return { ...noteJson(note), items: open.map(alertJson) };
    },
  );
  app.get(
    '/api/v1/alerts/history',
    {
      config: read,
      schema: {
        summary: 'Alerts that are over, the last first',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageOf(alertSchema), ...problems(401, 422) },
      },
    },
    async ({ query }) => {
      const after = positionIn(query.cursor);
      const found = await alerts.history({ after, limit: query.limit + 1 });
      const page = toPage(found, query.limit, ({ resolvedAt, id }) => `${resolvedAt?.toISOString()} ${id}`);
      return { items: page.items.map(alertJson), next_cursor: page.nextCursor };
    },
  );
  app.get(
    '/api/v1/alerts/rules',
    {
      config: read,
      schema: {
        summary: 'What is looked for, and how each rule stands',
        tags,
        response: { 200: z.object({ ...evaluationShape, items: z.array(ruleSchema) }), ...problems(401) },
      },
    },
    async () => {
      const [open, note] = await Promise.all([alerts.open(), alerts.evaluation()]);
      const unknown = note?.unknown ?? alerts.rules.map(({ name }) => name);
      return { ...noteJson(note), items: alerts.rules.map((rule) => ruleJson(rule, open, unknown)) };
    },
  );
  app.get(
    '/api/v1/alerts/:id',
    {
      config: read,
      schema: {
        summary: 'One alert, open or over',
        tags,
        params: alertParams,
        response: { 200: alertSchema, ...problems(401, 404) },
      },
    },
    async ({ params }) => alertJson(await alerts.get(params.id)),
  );
  app.post(
    '/api/v1/alerts/:id/acknowledge',
    {
      config: write,
      schema: {
        summary: 'Say that you look after it: it is not told again until it ends',
        tags,
        params: alertParams,
        response: { 200: alertSchema, ...problems(401, 404) },
      },
    },
    async ({ params, principal }) => alertJson(await alerts.acknowledge(params.id, principal.name)),
  );
}

function positionIn(cursor: string | undefined): { resolvedAt: Date; id: string } | undefined {
  const position = decodeCursor(cursor, (text) => {
    const [at = '', id = '', ...rest] = text.split(' ');
    return rest.length === 0 && isId(id) && !Number.isNaN(Date.parse(at));
  });
  if (position === undefined) return undefined;
  const [at = '', id = ''] = position.split(' ');
  return { resolvedAt: new Date(at), id };
}
