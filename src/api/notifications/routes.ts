import type { z } from 'zod';
import type { Notifications } from '../../alerts/notifications/notifications.js';
import { isId } from '../../foundation/ids.js';
import type { HttpApp } from '../../http/app.js';
import { decodeCursor, pageOf, toPage } from '../../http/pagination.js';
import { problems } from '../../http/problem.js';
import { alertParams } from '../alerts/schemas.js';
import type { ApiDeps } from '../deps.js';
import {
  channelJson,
  channelParams,
  channelsSchema,
  deliveryJson,
  deliveryQuery,
  deliverySchema,
  testJson,
  testSchema,
} from './schemas.js';

const tags = ['alerts'];
const read = { permission: 'system:read' } as const;
const write = { permission: 'system:write' } as const;

export function registerNotificationRoutes(app: HttpApp, { alerts, notifications }: ApiDeps): void {
  app.get(
    '/api/v1/notifications/channels',
    {
      config: read,
      schema: {
        summary: 'Where notifications go, and how each channel does',
        tags,
        response: { 200: channelsSchema, ...problems(401) },
      },
    },
    async () => {
      const items = (await notifications.health()).map(channelJson);
      return { measured_at: new Date().toISOString(), items };
    },
  );
  app.get(
    '/api/v1/notifications/channels/:name/deliveries',
    {
      config: read,
      schema: {
        summary: 'What was sent to the channel, what was not and why, the newest first',
        tags,
        params: channelParams,
        querystring: deliveryQuery,
        response: { 200: pageOf(deliverySchema), ...problems(401, 404, 422) },
      },
    },
    async ({ params, query }) => {
      const page = await deliveries(notifications, { channel: params.name }, query);
      // One that is not set any more still has its log.
      if (page.items.length === 0) notifications.require(params.name);
      return page;
    },
  );
  app.post(
    '/api/v1/notifications/channels/:name/test',
    {
      config: write,
      schema: {
        summary: 'Send a test message now, and say what the receiver answered',
        tags,
        params: channelParams,
        response: { 200: testSchema, ...problems(401, 404, 422) },
      },
    },
    async ({ params: { name }, principal }) => {
      // It goes on when the caller does not wait: it is in the log then. The attempt has its own time-out.
      const receipt = await notifications.test(name, principal.name, new AbortController().signal);
      return testJson(name, receipt);
    },
  );
  app.get(
    '/api/v1/alerts/:id/deliveries',
    {
      config: read,
      schema: {
        summary: 'Who was told of the alert, who was not and why, the newest first',
        tags,
        params: alertParams,
        querystring: deliveryQuery,
        response: { 200: pageOf(deliverySchema), ...problems(401, 404, 422) },
      },
    },
    async ({ params, query }) => {
      const { id: alertId } = await alerts.get(params.id);
      return deliveries(notifications, { alertId }, query);
    },
  );
}

async function deliveries(
  notifications: Notifications,
  of: { readonly channel?: string; readonly alertId?: string },
  { cursor, limit }: z.output<typeof deliveryQuery>,
) {
  const before = decodeCursor(cursor, isId);
  const page = toPage(
    await notifications.deliveries({ ...of, before, limit: limit + 1 }),
    limit,
    ({ id }) => id,
  );
  return { items: page.items.map(deliveryJson), next_cursor: page.nextCursor };
}
