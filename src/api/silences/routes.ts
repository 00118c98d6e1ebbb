import { respelled } from '../../alerts/notifications/silences.js';
import { isId } from '../../foundation/ids.js';
import type { HttpApp } from '../../http/app.js';
import { decodeCursor, pageOf, toPage } from '../../http/pagination.js';
import { problems } from '../../http/problem.js';
import type { ApiDeps } from '../deps.js';
import {
  newSilenceBody,
  silenceJson,
  silenceListQuery,
  silenceParams,
  silenceSchema,
  wishFrom,
} from './schemas.js';

const tags = ['alerts'];
const read = { permission: 'system:read' } as const;
const write = { permission: 'system:write' } as const;

export function registerSilenceRoutes(app: HttpApp, { alerts, notifications }: ApiDeps): void {
  const { silences } = notifications;
  const rules = alerts.rules.map(({ name }) => name);
  app.get(
    '/api/v1/silences',
    {
      config: read,
      schema: {
        summary: 'Silences and maintenance windows, the newest first',
        tags,
        querystring: silenceListQuery,
        response: { 200: pageOf(silenceSchema), ...problems(401, 422) },
      },
    },
    async ({ query: { cursor, limit, past } }) => {
      const before = decodeCursor(cursor, isId);
      const found = await silences.list({ before, past: past === 'true', limit: limit + 1 });
      const page = toPage(found, limit, ({ id }) => id);
      const now = new Date();
      return { items: page.items.map((one) => silenceJson(one, now)), next_cursor: page.nextCursor };
    },
  );
  app.post(
    '/api/v1/silences',
    {
      config: write,
      schema: {
        summary: 'Send nothing for a while about alerts of a rule, with labels, or of both',
        tags,
        body: newSilenceBody,
        response: { 201: silenceSchema, ...problems(401, 422) },
      },
    },
    async ({ body, principal }, reply) => {
      try {
        const made = await silences.create(wishFrom(body, principal.name), rules);
        return reply.code(201).send(silenceJson(made, new Date()));
      } catch (error) {
        throw respelled(error, inSnakeCase);
      }
    },
  );
  app.post(
    '/api/v1/silences/:id/end',
    {
      config: write,
      schema: {
        summary: 'End it now: what it kept back and still fires is sent',
        tags,
        params: silenceParams,
        response: { 200: silenceSchema, ...problems(401, 404) },
      },
    },
    async ({ params }) => silenceJson(await silences.end(params.id), new Date()),
  );
}

/** `every.durationMs` as `every.duration_ms`. */
function inSnakeCase(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
