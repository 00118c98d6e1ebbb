import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from '../../alerts/alert.js';
import { edgeOf } from '../../alerts/notifications/edge.js';
import { insertDelivery } from '../../alerts/notifications/store/deliveries.js';
import { recordEdges } from '../../alerts/notifications/store/edges.js';
import { Receiver } from '../../alerts/notifications/testing/receiver.js';
import { saveAlerts } from '../../alerts/store.js';
import { newId } from '../../foundation/ids.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

const secrets = ['token-of-the-address', 'sixteen characters or more', 'key-of-the-pager'];

let receiver: Receiver;
let toy: ToyServer;
beforeAll(async () => {
  receiver = await Receiver.start();
  toy = await createToyServer({
    env: {
      ALERT_WEBHOOK_URL: receiver.url(`/hook?token=${secrets[0]}`),
      ALERT_WEBHOOK_SECRET: secrets[1] ?? '',
      PAGERDUTY_ROUTING_KEY: secrets[2] ?? '',
      PAGERDUTY_URL: receiver.url('/pager'),
    },
  });
});
afterAll(async () => {
  await toy.stop();
  await receiver.stop();
});

const channels = '/api/v1/notifications/channels';
const get = async (url: string, caller = 'viewer:vic') => toy.app.inject({ url, headers: as(caller) });
const test = async (channel: string, caller = 'operator:ada') =>
  toy.app.inject({ method: 'POST', url: `${channels}/${channel}/test`, headers: as(caller) });

async function channel(name: string) {
  const { items } = (await get(channels)).json();
  return items.find((one: { name: string }) => one.name === name);
}

function alert(): Alert {
  const at = new Date();
  return {
    ...({ severity: 'critical', state: 'firing' } as const),
    ...{ id: newId(), rule: 'NoLiveWorkers', labels: { queue: 'default' }, value: 1, page: '/' },
    ...{ summary: 'Nobody works.', remedy: 'Start one.' },
    ...{ since: at, seenAt: at, firedAt: at, resolvedAt: null },
    ...{ acknowledgedAt: null, acknowledgedBy: null },
  };
}

describe('channels', () => {
  it('are listed before anything was sent, without what they keep secret', async () => {
    const answer = await get(channels);
    expect(answer.json().items).toMatchObject([
      { name: 'webhook', kind: 'webhook', min_severity: 'info', state: 'unused', last_success_at: null },
      { name: 'pagerduty', kind: 'pagerduty', min_severity: 'warning', undelivered: 0 },
    ]);
    for (const secret of secrets) expect(answer.body).not.toContain(secret);
  });

  it('count what is due', async () => {
    const firing = alert();
    const { database } = toy.db;
    const edge = edgeOf(firing, new Date(Date.now() - 60_000), null);
    const to = { name: 'webhook', kind: 'webhook', minSeverity: 'info' } as const;
    await database.transaction((tx) => recordEdges(tx, [edge], [to]));
    expect(await channel('webhook')).toMatchObject({ undelivered: 1 });
    expect((await channel('webhook')).oldest_undelivered_ms).toBeGreaterThan(50_000);
    expect(await channel('pagerduty')).toMatchObject({ undelivered: 0, oldest_undelivered_ms: null });
  });
});

describe('a test message', () => {
  it('is sent now, names who asked, and shows what the receiver said', async () => {
    receiver.behaviour = { do: 'refuse', status: 202, text: `queued for ${secrets[0]}` };
    const answer = await test('webhook');
    expect(answer.json()).toEqual({
      channel: 'webhook',
      outcome: 'delivered',
      ms: expect.any(Number),
      error: null,
      reply: 'queued for (hidden)',
    });
    const [message] = receiver.received.splice(0);
    expect(JSON.parse(message?.body ?? '{}').notices).toMatchObject([
      { kind: 'test', summary: expect.stringContaining('operator:ada') },
    ]);
    for (const secret of secrets) expect(answer.body).not.toContain(secret);
  });

  it.each([
    ['webhook', 403, 'rejected'],
    ['pagerduty', 503, 'retry'],
  ])('to %s says why it was not taken: %i', async (name, status, outcome) => {
    receiver.behaviour = { do: 'refuse', status, text: 'no, says the receiver' };
    expect((await test(name)).json()).toMatchObject({
      outcome,
      error: `the receiver answered ${status}`,
      reply: 'no, says the receiver',
    });
    expect((await get(`${channels}/${name}/deliveries?limit=1`)).json().items).toMatchObject([
      { channel: name, sender: 'test', outcome, error: `the receiver answered ${status}` },
    ]);
  });

  it('needs the permission to write, and a channel that is set', async () => {
    receiver.received.length = 0;
    expect((await test('webhook', 'viewer:vic')).statusCode).toBe(403);
    const unknown = await test('slack');
    expect(unknown.json()).toMatchObject({ status: 404, code: 'channel_unknown' });
    expect(unknown.json().detail).toContain('webhook, pagerduty');
    expect(receiver.received).toEqual([]);
  });
});

describe('the delivery log', () => {
  const told = alert();

  it('of an alert is paged, the newest first, and holds no other', async () => {
    const { database } = toy.db;
    await saveAlerts(database, [told]);
    const line = {
      ...({ sender: 'job', outcome: 'retry' } as const),
      ...{ messageKey: null, ms: 5, error: 'no', reply: null, nextTryAt: null },
    };
    for (const title of ['one', 'two', 'three', 'other']) {
      const alertIds = [title === 'other' ? newId() : told.id];
      const sent = { ...line, channel: 'webhook', at: new Date(), title, alertIds };
      await insertDelivery(database, sent);
    }
    const titles: string[] = [];
    let cursor = '';
    do {
      const page = (await get(`/api/v1/alerts/${told.id}/deliveries?limit=2${cursor}`)).json();
      for (const { title, alert_ids: ids } of page.items) {
        titles.push(title);
        expect(ids).toEqual([told.id]);
      }
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(titles).toEqual(['three', 'two', 'one']);
  });

  it('of a channel has a next page at the largest size too', async () => {
    await toy.db.database.query(
      `insert into signalbox.notification_delivery (id, channel, at, sender, outcome, title)
       select gen_random_uuid(), 'gone', now(), 'job', 'delivered', 'many' from generate_series(1, 201)`,
    );
    const page = (await get(`${channels}/gone/deliveries?limit=200`)).json();
    expect(page.items).toHaveLength(200);
    expect(page.next_cursor).toEqual(expect.any(String));
  });

  it('says what there is not', async () => {
    expect((await get(`/api/v1/alerts/${newId()}/deliveries`)).json()).toMatchObject({
      code: 'alert_not_found',
    });
    expect((await get(`${channels}/slack/deliveries`)).json()).toMatchObject({ code: 'channel_unknown' });
    expect((await get(`${channels}/pagerduty/deliveries?cursor=nonsense`)).json()).toMatchObject({
      code: 'fields_invalid',
      errors: [{ field: 'cursor' }],
    });
    expect((await get(`/api/v1/alerts/${told.id}`)).json()).toMatchObject({ id: told.id, state: 'firing' });
    expect((await get(channels, 'member:max')).statusCode).toBe(403);
  });
});
