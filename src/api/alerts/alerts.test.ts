import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Evaluator } from '../../alerts/evaluator.js';
import { workAlerts } from '../../alerts/work/source.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
let evaluator: Evaluator;
beforeAll(async () => {
  toy = await createToyServer();
  const { database } = toy.db;
  evaluator = new Evaluator({
    db: database,
    logger: silentLogger,
    sources: [workAlerts(database)],
    record: async () => undefined,
  });
});
afterAll(async () => {
  await evaluator.stop();
  await toy.stop();
});

const get = async (url: string, caller = 'viewer:vic') =>
  toy.app.inject({ method: 'GET', url: `/api/v1/alerts${url}`, headers: as(caller) });
const acknowledge = async (id: string, caller = 'operator:ada') =>
  toy.app.inject({ method: 'POST', url: `/api/v1/alerts/${id}/acknowledge`, headers: as(caller) });

/** The alert that this file makes. The toy's leader has a lease so short that it may lose it under load. */
async function unserved() {
  return (await get('')).json().items.find(({ rule }: { rule: string }) => rule === 'NoLiveWorkers');
}

/** As if all this had gone on for that much longer. */
async function pass(seconds: number): Promise<void> {
  await toy.db.database.query(`update signalbox.alert set since = since - $1 * interval '1 second'`, [
    seconds,
  ]);
}

describe('the routes of alerts', () => {
  it('say that nobody has looked yet', async () => {
    expect((await get('')).json()).toEqual({ evaluated_at: null, age_ms: null, items: [] });
    const { items } = (await get('/rules')).json();
    expect(items.map(({ state }: { state: string }) => state)).toEqual(items.map(() => 'unknown'));
  });

  it('show an alert from its first sight to its end', async () => {
    const { id: job } = await toy.engine.enqueue('toy.held', {});
    await evaluator.runOnce();
    expect((await get('')).json()).toMatchObject({ age_ms: expect.any(Number) });
    expect(await unserved()).toMatchObject({
      state: 'pending',
      labels: { queue: 'default' },
      fired_at: null,
    });
    await pass(15);
    await evaluator.runOnce();
    const alert = await unserved();
    expect(alert).toMatchObject({ state: 'firing', severity: 'critical', acknowledged_by: null });
    expect(alert.remedy).toContain('signalbox start');
    const { items: rules } = (await get('/rules')).json();
    expect(rules).toContainEqual(
      expect.objectContaining({ name: 'NoLiveWorkers', state: 'firing', for_ms: 15_000 }),
    );
    expect(rules).toContainEqual(expect.objectContaining({ name: 'PausedLong', state: 'inactive' }));

    expect((await acknowledge(alert.id, 'viewer:vic')).statusCode).toBe(403);
    expect((await acknowledge(alert.id)).json()).toMatchObject({ acknowledged_by: 'operator:ada' });

    await toy.startWorker();
    await evaluator.runOnce();
    expect(await unserved()).toBeUndefined();
    expect((await get('/history')).json()).toMatchObject({
      items: [
        { id: alert.id, state: 'resolved', resolved_at: expect.any(String), acknowledged_by: 'operator:ada' },
      ],
      next_cursor: null,
    });
    expect((await acknowledge(alert.id)).json()).toMatchObject({ code: 'alert_not_open' });
    toy.release();
    await toy.engine.jobs.get(job);
  });

  it('page through what is over', async () => {
    for (const rule of ['One', 'Two', 'Three']) {
      await toy.db.database.query(
        `insert into signalbox.alert
           (id, rule, labels, severity, state, summary, remedy, since, seen_at, fired_at, resolved_at)
         values ($1, $2, '{}', 'info', 'resolved', 's', 'r', now(), now(), now(), now())`,
        [newId(), rule],
      );
    }
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = (await get(`/history?limit=2${cursor}`)).json();
      seen.push(...page.items.map(({ rule }: { rule: string }) => rule));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(['Three', 'Two', 'One', 'NoLiveWorkers']);
    expect((await get('/history?cursor=bm9uc2Vuc2U')).json()).toMatchObject({ code: 'fields_invalid' });
  });

  it('are not for members', async () => {
    expect((await get('', 'member:max')).statusCode).toBe(403);
  });
});
