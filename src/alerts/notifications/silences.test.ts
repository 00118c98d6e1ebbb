import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../foundation/ids.js';
import { type NewSilence, Silences } from './silences.js';
import { NotificationBench } from './testing/bench.js';

let bench: NotificationBench;
let silences: Silences;
beforeAll(async () => {
  bench = await NotificationBench.start();
  silences = new Silences(bench.db.database);
});
afterAll(() => bench.stop());

const inAnHour = () => new Date(Date.now() + 3_600_000);
const plain = (): NewSilence => ({ rule: 'A', endsAt: inAnHour(), reason: 'known', by: 'ada' });

describe('silences', () => {
  it('are made, listed and ended', async () => {
    const made = await silences.create({ ...plain(), labels: { queue: 'images' } });
    expect(made).toMatchObject({ kind: 'silence', rule: 'A', labels: { queue: 'images' }, createdBy: 'ada' });
    expect(await silences.list()).toMatchObject([{ id: made.id, reason: 'known', every: null }]);
    const ended = await silences.end(made.id);
    expect(ended.endsAt?.getTime()).toBeLessThan(Date.now() + 60_000);
    expect(await silences.list()).toEqual([]);
    expect(await silences.list({ past: true })).toHaveLength(1);
    for (const id of [made.id, newId(), 'x']) {
      await expect(silences.end(id)).rejects.toMatchObject({ code: 'silence_not_found' });
    }
  });

  it('may repeat as maintenance, for every alert', async () => {
    const every = { cron: '0 2 * * *', timeZone: 'Europe/Berlin', durationMs: 3_600_000 };
    const made = await silences.create({ kind: 'maintenance', every, reason: 'backups', by: 'ada' });
    expect(made).toMatchObject({ kind: 'maintenance', rule: null, endsAt: null, every });
    await silences.end(made.id);
  });

  it('can be ended before they begin', async () => {
    const startsAt = inAnHour();
    const endsAt = new Date(startsAt.getTime() + 1_000);
    const { id } = await silences.create({ ...plain(), startsAt, endsAt });
    expect((await silences.end(id)).endsAt).toEqual(startsAt);
  });

  it.each<[string, Partial<NewSilence>]>([
    ['rule', { rule: undefined }],
    ['rule', { rule: 'x'.repeat(201) }],
    ['labels', { labels: { '': 'x' } }],
    ['labels', { labels: { x: '\u0000' } }],
    ['endsAt', { endsAt: undefined }],
    ['endsAt', { endsAt: new Date(0) }],
    ['endsAt', { endsAt: new Date(Number.NaN) }],
    ['endsAt', { startsAt: new Date(Date.now() + 7_200_000) }],
    ['startsAt', { startsAt: new Date(Number.NaN) }],
    ['reason', { reason: ' ' }],
    ['by', { by: '' }],
    ['every', { every: { cron: '0 2 * * *', durationMs: 60_000 } }],
    ['every.durationMs', { kind: 'maintenance', every: { cron: '0 2 * * *', durationMs: 1 } }],
    ['every.cron', { kind: 'maintenance', every: { cron: 'often', durationMs: 60_000 } }],
    [
      'every.timeZone',
      { kind: 'maintenance', every: { cron: '0 2 * * *', timeZone: '+02:00', durationMs: 60_000 } },
    ],
  ])('name what is wrong: %s', async (field, wrong) => {
    await expect(silences.create({ ...plain(), ...wrong })).rejects.toMatchObject({
      code: 'silence_invalid',
      fields: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });
});
