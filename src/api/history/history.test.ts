import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../foundation/logger.js';
import { RequestRecorder } from '../../history/request-recorder.js';
import { countChanges } from '../../history/store/keep.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
beforeAll(async () => {
  toy = await createToyServer();
});
afterAll(() => toy.stop());

const get = async (url: string, caller = 'viewer:vic') =>
  toy.app.inject({ method: 'GET', url: `/api/v1${url}`, headers: as(caller) });

interface PointJson {
  readonly at: string;
  readonly known_ms: number;
  readonly jobs: Record<string, number> | null;
  readonly requests: { total: number; server_errors: number } | null;
}
const sum = (points: readonly PointJson[], of: (point: PointJson) => number | undefined) =>
  points.reduce((total, point) => total + (of(point) ?? 0), 0);

describe('the routes of the history', () => {
  it('say that nothing is known yet', async () => {
    const body = (await get('/history')).json();
    expect(body).toMatchObject({ counted_to: null, age_ms: null, step_ms: 60_000 });
    expect(body.points.length).toBeGreaterThanOrEqual(60);
    expect(body.points.every(({ jobs, known_ms }: PointJson) => jobs === null && known_ms === 0)).toBe(true);
    expect((await get('/slos')).json()).toMatchObject({
      counted_to: null,
      items: [{ objective: 'availability', ratio: null, budget_left: null, total: 0 }],
    });
  });

  it('show what happened, nothing as nothing and the unknown as null', async () => {
    // As if the history had begun an hour ago.
    await toy.db.database.query(`update signalbox.history_state set since = since - interval '1 hour'`);
    await toy.startWorker();
    for (const name of ['a', 'b', 'bad']) await toy.engine.enqueue('toy.make', { name, colour: 'red' });
    const ended = async () => {
      const { succeeded, failed } = await toy.engine.jobs.counts();
      return succeeded + failed;
    };
    await expect.poll(ended, { timeout: 15_000 }).toBe(3);
    await countChanges(toy.db.database);
    const { minutes } = toy.app.requestStatistics;
    await new RequestRecorder({ db: toy.db.database, logger: silentLogger, minutes }).runOnce();

    const from = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const to = new Date(Date.now() + 120_000).toISOString();
    const body = (await get(`/history?from=${from}&to=${to}`)).json();
    const points: PointJson[] = body.points;
    expect(body.age_ms).toBeGreaterThanOrEqual(0);
    expect(points[0]?.jobs).toBeNull();
    expect(points.at(-1)?.jobs).toBeNull();
    const known = points.filter(({ jobs }) => jobs !== null);
    expect(known.length).toBeGreaterThanOrEqual(59);
    expect(known[0]?.jobs).toMatchObject({ enqueued: 0, succeeded: 0, wait: null, run: null });
    expect(known[1]?.known_ms).toBe(60_000);
    expect(sum(points, ({ jobs }) => jobs?.enqueued)).toBe(3);
    expect(sum(points, ({ jobs }) => jobs?.failed)).toBe(1);
    expect(points.filter(({ jobs }) => jobs?.succeeded).map(({ jobs }) => jobs)).toContainEqual(
      expect.objectContaining({ run: expect.objectContaining({ p95_ms: expect.any(Number) }) }),
    );
    expect(sum(points, ({ requests }) => requests?.total)).toBeGreaterThanOrEqual(2);
    expect(points[0]?.requests).toBeNull();

    const of = async (filter: string) =>
      sum((await get(`/history?${filter}`)).json().points, ({ jobs }) => jobs?.succeeded);
    expect(await of('queue=toys')).toBe(2);
    expect(await of('task=toy.make')).toBe(2);
    expect(await of('queue=toys&task=toy.held')).toBe(0);
    const hours = (await get(`/history?step=1h&from=${from}`)).json();
    expect(sum(hours.points, ({ jobs }) => jobs?.succeeded)).toBe(2);
    const days = (await get(`/history?step=1d&from=${from}`)).json();
    expect(sum(days.points, ({ jobs }) => jobs?.enqueued)).toBe(3);
  });

  it('show what is left of a budget', async () => {
    const { items, counted_to } = (await get('/slos')).json();
    expect(counted_to).not.toBeNull();
    expect(items).toContainEqual(
      expect.objectContaining({ objective: 'success', queue: 'toys', total: 3, good: 2, target: 0.99 }),
    );
    const success = items.find(({ objective }: { objective: string }) => objective === 'success');
    expect(success.budget_left_events).toBeCloseTo(0.03 - 1);
    expect(success.burn).toContainEqual(
      expect.objectContaining({ factor: 14.4, long: expect.closeTo(33.3, 0), judged: false, over: false }),
    );
    expect(items).toContainEqual(
      expect.objectContaining({ objective: 'freshness', queue: 'toys', within_ms: 30_000, total: 3 }),
    );
  });

  it.each([
    ['step=2m', 'step'],
    ['from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z', 'step'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['to=yesterday', 'to'],
  ])('refuse %s', async (query, field) => {
    const answer = await get(`/history?${query}`);
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'fields_invalid', errors: [{ field }] });
  });

  it('are not for members', async () => {
    for (const url of ['/history', '/slos']) expect((await get(url, 'member:max')).statusCode).toBe(403);
  });
});
