import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../foundation/ids.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
beforeAll(async () => {
  toy = await createToyServer();
});
afterAll(async () => toy.stop());

const url = '/api/v1/silences';
const get = async (query = '', caller = 'viewer:vic') =>
  toy.app.inject({ url: `${url}${query}`, headers: as(caller) });
const create = async (payload: object, caller = 'operator:ada') =>
  toy.app.inject({ method: 'POST', url, headers: as(caller), payload });
const end = async (id: string, caller = 'operator:ada') =>
  toy.app.inject({ method: 'POST', url: `${url}/${id}/end`, headers: as(caller) });

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const plain = () => ({ rule: 'PausedLong', ends_at: inHours(1), reason: 'it rests' });

describe('silences', () => {
  it('are made, say who and why and until when, and are ended', async () => {
    const wish = { ...plain(), labels: { name: 'images' } };
    const made = await create(wish);
    expect(made.statusCode).toBe(201);
    const { id } = made.json();
    expect(made.json()).toMatchObject({
      ...wish,
      kind: 'silence',
      every: null,
      quiet_until: wish.ends_at,
      created_by: 'operator:ada',
    });
    expect((await get()).json()).toMatchObject({ items: [{ id, rule: 'PausedLong' }], next_cursor: null });

    expect((await end(id, 'viewer:vic')).statusCode).toBe(403);
    expect((await end(id)).json()).toMatchObject({ id, quiet_until: null });
    expect((await get()).json().items).toEqual([]);
    expect((await get('?past=true')).json().items).toMatchObject([{ id }]);
    for (const gone of [id, newId()]) {
      expect((await end(gone)).json()).toMatchObject({ status: 404, code: 'silence_not_found' });
    }
  });

  it('may be maintenance windows that repeat and mean everything', async () => {
    const every = { cron: '0 2 * * *', time_zone: 'Europe/Berlin', duration_ms: 3_600_000 };
    const made = (await create({ kind: 'maintenance', every, reason: 'backups' })).json();
    expect(made).toMatchObject({ kind: 'maintenance', rule: null, labels: {}, every, ends_at: null });
    expect((await end(made.id)).json().ends_at).toEqual(expect.any(String));
  });

  it('are paged', async () => {
    const made: string[] = [];
    for (let n = 0; n < 3; n += 1) made.unshift((await create(plain())).json().id);
    const first = (await get('?limit=2')).json();
    const second = (await get(`?limit=2&cursor=${first.next_cursor}`)).json();
    expect([...first.items, ...second.items].map(({ id }: { id: string }) => id)).toEqual(made);
    expect(second.next_cursor).toBeNull();
  });

  it.each([
    [{ rule: undefined }, 'silence_invalid', 'rule'],
    [{ rule: 'NoLiveWorker' }, 'silence_invalid', 'rule'],
    [{ ends_at: undefined }, 'silence_invalid', 'ends_at'],
    [{ ends_at: '2020-01-01T00:00:00Z' }, 'silence_invalid', 'ends_at'],
    [{ starts_at: inHours(5) }, 'silence_invalid', 'ends_at'],
    [{ reason: ' ' }, 'silence_invalid', 'reason'],
    [{ kind: 'maintenance', every: { cron: 'often', duration_ms: 60_000 } }, 'silence_invalid', 'every.cron'],
    [
      { kind: 'maintenance', every: { cron: '0 2 * * *', time_zone: '+02:00', duration_ms: 60_000 } },
      'silence_invalid',
      'every.time_zone',
    ],
    [{ every: { cron: '0 2 * * *', duration_ms: 5 } }, 'fields_invalid', 'every.duration_ms'],
    [{ ends_at: 'tomorrow' }, 'fields_invalid', 'ends_at'],
    [{ by: 'somebody else' }, 'fields_invalid', 'by'],
  ])('name what is wrong: %j', async (wrong, code, field) => {
    const answer = (await create({ ...plain(), ...wrong })).json();
    expect(answer).toMatchObject({ status: 422, code });
    expect(answer.errors.map((error: { field: string }) => error.field)).toContain(field);
    expect(answer.detail).toContain(field);
  });

  it('are for those who may change the system', async () => {
    expect((await create(plain(), 'viewer:vic')).statusCode).toBe(403);
    expect((await get('', 'member:max')).statusCode).toBe(403);
  });
});
