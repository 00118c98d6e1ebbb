import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../foundation/ids.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
beforeAll(async () => {
  toy = await createToyServer();
});
afterAll(async () => toy.stop());

const enqueue = (payload: object, caller = 'admin:root') =>
  toy.app.inject({ method: 'POST', url: '/jobs', headers: as(caller), payload });
const get = (url: string, caller = 'admin:root') => toy.app.inject({ url, headers: as(caller) });
const act = (id: string, action: string, caller = 'admin:root') =>
  toy.app.inject({ method: 'POST', url: `/jobs/${id}/${action}`, headers: as(caller) });

let names = 0;
const newName = () => `toy-${++names}`;
const makeOf = (name: string) => ({ task: 'toy.make', input: { name, colour: 'red' } });

describe('POST /jobs as JSON', () => {
  it('accepts a job, with what the workload records of it, and says where it is', async () => {
    const name = newName();
    const response = await enqueue({
      ...makeOf(name),
      priority: -5,
      tags: ['a', 'b'],
      run_at: '2099-01-31T12:00:00+02:00',
    });
    expect(response.statusCode).toBe(202);
    const job = response.json();
    expect(response.headers.location).toBe(`/jobs/${job.id}`);
    expect(job).toMatchObject({
      task: 'toy.make',
      queue: 'toys',
      status: 'scheduled',
      priority: -5,
      tags: ['a', 'b'],
      run_at: '2099-01-31T10:00:00.000Z',
      owner: 'admin:root',
      input: { name, colour: 'red' },
      result: null,
      attempt: 0,
      duration_ms: null,
      toy_name: name,
      links: {
        self: `/jobs/${job.id}`,
        events: `/jobs/${job.id}/events`,
        explain: `/jobs/${job.id}/explain`,
        logs: `/jobs/${job.id}/logs`,
      },
    });
    expect((await get(`/jobs/${job.id}`)).json()).toEqual(job);
  });

  it('leaves nothing when the workload refuses', async () => {
    const name = newName();
    await enqueue(makeOf(name));
    const before = await toy.engine.jobs.list({ limit: 200 });
    const response = await enqueue(makeOf(name));
    expect(response.json()).toMatchObject({
      status: 409,
      code: 'toy_taken',
      errors: [{ field: 'input.name' }],
    });
    expect(await toy.engine.jobs.list({ limit: 200 })).toHaveLength(before.length);
  });

  it.each([
    [{ task: 'toy.nowhere', input: {} }, 422, 'task_unknown', ['task']],
    [{ task: 'toy.held', input: {} }, 403, 'task_not_open', ['task']],
    [{ task: 'toy.make' }, 422, 'fields_invalid', ['input']],
    [{ task: 'toy.make', input: 'red' }, 422, 'fields_invalid', ['input']],
    [
      { task: 'toy.make', input: { colour: 'green', x: 1 } },
      422,
      'fields_invalid',
      ['input.name', 'input.colour', 'input.x'],
    ],
    [
      { ...makeOf('n'), run_at: 'tomorrow', max_attempts: 9 },
      422,
      'fields_invalid',
      ['run_at', 'max_attempts'],
    ],
    [{ ...makeOf('n'), run_at: '0000-01-01T00:00:00Z' }, 422, 'fields_invalid', ['run_at']],
    [{ ...makeOf('n'), run_at: '9999-12-31T23:59:59-14:00' }, 422, 'fields_invalid', ['run_at']],
    [{ ...makeOf('n'), tags: ['ok', ''] }, 422, 'fields_invalid', ['tags.1']],
  ])('refuses %j', async (payload, status, code, fields) => {
    const response = await enqueue(payload);
    expect(response.json()).toMatchObject({ status, code });
    expect(response.json().errors.map((error: { field: string }) => error.field)).toEqual(fields);
  });

  it.each(['2000-01-01T00:00:00Z', '8999-12-31T23:59:59Z', '2026-02-28T23:59:59.123456789+14:00'])(
    'takes run_at %s',
    async (run_at) => {
      expect((await enqueue({ ...makeOf(newName()), run_at })).statusCode).toBe(202);
    },
  );

  it("asks for the route's permission and for the task's", async () => {
    expect((await enqueue(makeOf(newName()), 'viewer:vic')).json().detail).toContain('jobs:write');
    expect((await enqueue(makeOf(newName()), 'member:ann')).statusCode).toBe(202);
  });
});

describe('POST /jobs as a form', () => {
  const form = (fields: Record<string, string>, caller = 'admin:root') => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    return toy.app.inject({ method: 'POST', url: '/jobs', headers: as(caller), payload: data });
  };

  it('is the same job as its JSON', async () => {
    const name = newName();
    const response = await form({ name, colour: 'blue' });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({
      task: 'toy.make',
      status: 'queued',
      input: { name, colour: 'blue' },
      toy_name: name,
    });
  });

  it('is url-encoded as well', async () => {
    const response = await toy.app.inject({
      method: 'POST',
      url: '/jobs',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `name=${newName()}&colour=red`,
    });
    expect(response.statusCode).toBe(202);
  });

  it('names fields as the form does', async () => {
    const response = await form({ name: 'x'.repeat(21), size: '1' });
    expect(response.json().errors.map((error: { field: string }) => error.field)).toEqual([
      'name',
      'colour',
      'size',
    ]);
  });
});

describe('lists', () => {
  it('go through all jobs once, newest first', async () => {
    const list = await createToyServer();
    try {
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1)
        ids.push((await list.engine.enqueue('toy.held', {}, { tags: [n % 2 ? 'odd' : 'even'] })).id);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? '' : `&cursor=${cursor}`;
        const page = (await list.app.inject({ url: `/jobs?limit=2${query}` })).json();
        seen.push(...page.items.map((job: { id: string }) => job.id));
        cursor = page.next_cursor;
      } while (cursor !== null);
      expect(seen).toEqual([...ids].reverse());
      const count = async (query: string) =>
        (await list.app.inject({ url: `/jobs?${query}` })).json().items.length;
      expect(await count('tag=odd')).toBe(2);
      expect(await count('status=queued,failed')).toBe(5);
      expect(await count('status=failed&status=succeeded')).toBe(0);
      expect(await count('task=toy.make')).toBe(0);
      expect(await count('queue=default&limit=200')).toBe(5);
    } finally {
      await list.stop();
    }
  });
});

describe("somebody else's jobs", () => {
  it('do not exist for a member', async () => {
    const { id } = (await enqueue(makeOf(newName()), 'member:ann')).json();
    for (const path of ['', '/events', '/explain', '/logs']) {
      expect((await get(`/jobs/${id}${path}`, 'member:bob')).json()).toMatchObject({
        status: 404,
        code: 'job_not_found',
      });
    }
    expect((await act(id, 'cancel', 'member:bob')).statusCode).toBe(404);
    const seenBy = async (caller: string) =>
      (await get('/jobs?limit=200', caller)).json().items.some((job: { id: string }) => job.id === id);
    expect(await seenBy('member:bob')).toBe(false);
    expect(await seenBy('member:ann')).toBe(true);
    expect(await seenBy('viewer:vic')).toBe(true);
  });

  it('can be read but not changed by a viewer', async () => {
    const { id } = (await enqueue(makeOf(newName()), 'member:ann')).json();
    expect((await get(`/jobs/${id}`, 'viewer:vic')).statusCode).toBe(200);
    expect((await act(id, 'cancel', 'viewer:vic')).statusCode).toBe(403);
    expect((await act(id, 'cancel', 'member:ann')).json()).toMatchObject({ status: 'cancelled' });
  });
});

describe('one job', () => {
  it.each(['', '/events', '/explain', '/logs'])(
    'is 404 when there is none (GET /jobs/:id%s)',
    async (path) => {
      expect((await get(`/jobs/${newId()}${path}`)).json()).toMatchObject({
        status: 404,
        code: 'job_not_found',
      });
    },
  );

  it('explains why it waits, and what to do', async () => {
    const { id } = (await enqueue(makeOf(newName()))).json();
    expect((await get(`/jobs/${id}/explain`)).json()).toMatchObject({
      job_id: id,
      status: 'queued',
      summary: expect.stringContaining('toys'),
      reasons: [
        {
          code: 'no_worker',
          details: { queue: 'toys', last_seen_at: null },
          remedy: expect.stringContaining('signalbox start'),
        },
      ],
      estimated_start: null,
    });
  });

  it('is cancelled once, and retried after that', async () => {
    const { id } = (await enqueue(makeOf(newName()))).json();
    expect((await act(id, 'retry')).json()).toMatchObject({ status: 409, code: 'job_not_retryable' });
    expect((await act(id, 'cancel')).json()).toMatchObject({ id, status: 'cancelled' });
    expect((await act(id, 'cancel')).json()).toMatchObject({ status: 409, code: 'job_not_cancellable' });
    expect((await act(id, 'retry')).json()).toMatchObject({ id, status: 'queued' });
  });
});
