import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf } from './edge.js';
import { acknowledge } from './store/subjects.js';
import { failing, NotificationBench, rejected } from './testing/bench.js';

const minute = 60_000;
const hour = 60 * minute;

let bench: NotificationBench;
beforeAll(async () => {
  bench = await NotificationBench.start();
});
afterEach(() => bench.clear());
afterAll(() => bench.stop());

describe('an alert', () => {
  it('is told when it fires and when it ends, once each', async () => {
    const end = await bench.fires('A');
    expect(await bench.drain()).toEqual({ delivered: 1, failed: 0 });
    expect(bench.fake.take()).toEqual([['firing A']]);
    bench.pass(minute);
    await end();
    await end();
    await bench.drain();
    await bench.drain();
    expect(bench.fake.take()).toEqual([['resolved A']]);
    expect(await bench.outcomes()).toEqual(['firing delivered', 'resolved delivered']);
    expect(await bench.log()).toMatchObject([
      { outcome: 'delivered', sender: 'job', title: '[CRITICAL] A: A is wrong', reply: 'ok', error: null },
      { outcome: 'delivered', title: '[RESOLVED] A: A is wrong' },
    ]);
  });

  it('waits a moment for others, and goes out with all that belong to the same moment', async () => {
    await bench.fires('A');
    expect(await bench.sender().drain('one', 'job', new AbortController().signal)).toMatchObject({
      delivered: 0,
    });
    bench.pass(1_500);
    await bench.fires('B');
    await bench.fires('A', { labels: { queue: 'images' } });
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A', 'firing B', 'firing A']]);
  });

  it('that is over before anybody was told is one note', async () => {
    const end = await bench.fires('A');
    bench.fake.answer = () => failing();
    await bench.drain();
    bench.pass(4 * minute);
    await end();
    bench.fake.take();
    bench.fake.answer = () => ({ outcome: 'delivered', reply: '' });
    bench.pass(minute);
    await bench.drain();
    expect(bench.fake.notices()).toMatchObject([{ kind: 'brief', rule: 'A' }]);
    expect(await bench.outcomes()).toEqual(['firing collapsed', 'resolved delivered']);
  });

  it('has its end told to nobody who was not told of it', async () => {
    bench.fake.answer = () => rejected;
    const end = await bench.fires('A');
    await bench.drain();
    bench.fake.take();
    await end();
    await bench.drain();
    expect(bench.fake.take()).toEqual([]);
    expect(await bench.outcomes()).toEqual(['firing rejected', 'resolved unneeded']);
  });

  it('has its end told to who may have got it', async () => {
    bench.fake.answer = () => failing({ uncertain: true });
    const end = await bench.fires('A');
    await bench.drain();
    await end();
    bench.fake.take();
    bench.fake.answer = () => ({ outcome: 'delivered', reply: '' });
    bench.pass(10_000);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['resolved A']]);
  });

  it('that fires again before its end was told is both, in order and in one message', async () => {
    const end = await bench.fires('A');
    await bench.drain();
    bench.fake.take();
    await end();
    bench.pass(1_000);
    await bench.fires('A');
    await bench.drain();
    expect(bench.fake.take()).toEqual([['resolved A', 'firing A']]);
  });
});

describe('an alert that fires on', () => {
  it('is told again after 1 h, 4 h and every 24 h', async () => {
    await bench.fires('A');
    await bench.drain();
    bench.fake.take();
    const told: number[] = [];
    for (let passed = 0; passed < 60; passed += 1) {
      bench.pass(hour);
      await bench.drain();
      if (bench.fake.take().flat().includes('reminder A')) told.push(passed + 1);
    }
    expect(told).toEqual([1, 5, 29, 53]);
  });

  it('is told no more once somebody has acknowledged it, until it fires anew', async () => {
    const edge = bench.edge('A', 'firing');
    await bench.record([edge]);
    await bench.drain();
    expect(await acknowledge(bench.db.database, edge.alertId, 'ada')).toBe(true);
    bench.fake.take();
    bench.pass(6 * hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([]);
    await bench.record([{ ...edge, state: 'resolved', at: bench.now }]);
    expect(await acknowledge(bench.db.database, edge.alertId, 'ada')).toBe(false);
    await bench.drain();
    await bench.fires('A');
    await bench.drain();
    bench.fake.take();
    bench.pass(hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['reminder A']]);
  });

  it('is told anew when its message was rejected or given up', async () => {
    bench.fake.answer = () => rejected;
    await bench.fires('A');
    await bench.drain();
    bench.fake.take();
    bench.fake.answer = () => failing();
    bench.pass(hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A']]);
    bench.pass(25 * hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([]);
    expect(await bench.outcomes()).toEqual(['firing rejected', 'reminder expired']);
    bench.fake.answer = () => ({ outcome: 'delivered', reply: '' });
    bench.pass(hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A']]);
  });
});

describe('an alert that flaps', () => {
  async function flap(edges: number): Promise<() => Promise<void>> {
    let end = async () => undefined as unknown as undefined;
    for (let edge = 0; edge < edges; edge += 1) {
      if (edge % 2 === 0) end = (await bench.fires('A')) as typeof end;
      else await end();
      await bench.drain();
      bench.pass(minute);
    }
    return end;
  }

  it('is told so once, and how it ended when it is stable', async () => {
    const end = await flap(5);
    expect(bench.fake.take().flat()).toEqual([
      'firing A',
      'resolved A',
      'firing A',
      'resolved A',
      'flapping A',
    ]);
    await end();
    await bench.drain();
    await bench.fires('A');
    bench.pass(20 * minute);
    await bench.drain();
    expect(bench.fake.take()).toEqual([]);
    bench.pass(20 * minute);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A']]);
  });

  it('that ends well is told as resolved, and counts from nought again', async () => {
    const end = await flap(5);
    await end();
    bench.pass(31 * minute);
    bench.fake.take();
    await bench.drain();
    expect(bench.fake.take()).toEqual([['resolved A']]);
    await bench.fires('A');
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A']]);
  });
});

describe('a silence', () => {
  it('keeps an alarm back, says so in the log once, and lets it go when it still fires at its end', async () => {
    const id = await bench.silence('A', 3 * 24 * hour);
    await bench.fires('A');
    await bench.fires('B');
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing B']]);
    bench.pass(49 * hour);
    await bench.drain();
    expect(bench.fake.take().flat()).not.toContain('firing A');
    bench.pass(23 * hour);
    await bench.drain();
    expect(bench.fake.take().flat()).toContain('firing A');
    const held = (await bench.log()).filter(({ outcome }) => outcome === 'held');
    expect(held).toMatchObject([{ title: 'firing A: A is wrong', error: expect.stringContaining(id) }]);
  });

  it('that is ended early lets go at once', async () => {
    const id = await bench.silence('A', hour);
    await bench.fires('A');
    await bench.drain();
    await bench.endSilence(id);
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A']]);
  });

  it('hides what came and went in it', async () => {
    await bench.silence('A', hour);
    const end = await bench.fires('A');
    await bench.drain();
    await end();
    await bench.drain();
    bench.pass(2 * hour);
    await bench.drain();
    expect(bench.fake.take()).toEqual([]);
    expect(await bench.outcomes()).toEqual(['firing silenced', 'resolved silenced']);
  });

  it('does not keep the end from whoever got the alarm', async () => {
    const end = await bench.fires('A');
    await bench.drain();
    await bench.silence('A', hour);
    bench.fake.take();
    await end();
    await bench.drain();
    expect(bench.fake.take()).toEqual([['resolved A']]);
  });
});

describe('a channel that fails', () => {
  const doomed = () => bench.fake.take().length;

  it('is tried again after 5 s, doubled up to 15 min, for 24 h', async () => {
    bench.fake.answer = () => failing();
    await bench.fires('A');
    await bench.drain();
    const waits: number[] = [];
    for (let tries = 0; tries < 10; tries += 1) {
      const { nextTryAt, at } = (await bench.log()).at(-1) as { nextTryAt: Date; at: Date };
      waits.push((nextTryAt.getTime() - at.getTime()) / 1_000);
      bench.now = new Date(nextTryAt.getTime() - 2_001);
      doomed();
      await bench.drain();
      expect(doomed()).toBe(0);
      bench.now = new Date(nextTryAt.getTime() - 2_000);
      await bench.drain();
      expect(doomed()).toBe(1);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    bench.pass(24 * hour);
    await bench.drain();
    expect(await bench.outcomes()).toEqual(['firing expired']);
  });

  it('is tried soon for a new alarm, unless it said when to come back', async () => {
    bench.fake.answer = () => failing();
    await bench.fires('A');
    for (let tries = 0; tries < 8; tries += 1) {
      await bench.drain();
      bench.pass(15 * minute);
    }
    await bench.drain();
    doomed();
    await bench.fires('B');
    bench.pass(4_000);
    await bench.drain();
    expect(doomed()).toBe(1);
    bench.fake.answer = () => failing({ retryAfterMs: 10 * minute, answered: false });
    bench.pass(15 * minute);
    await bench.drain();
    expect(doomed()).toBe(1);
    await bench.fires('C');
    bench.pass(9 * minute);
    await bench.drain();
    expect(doomed()).toBe(0);
    bench.pass(minute);
    await bench.drain();
    expect(doomed()).toBe(1);
  });

  it('takes the rest when one message is what it cannot take', async () => {
    const poison = fingerprintOf('Poison', { queue: 'default' });
    bench.fake.answer = ({ notices }) =>
      notices.some(({ fingerprint }) => fingerprint === poison)
        ? failing({ answered: true })
        : { outcome: 'delivered', reply: '' };
    await bench.fires('Poison');
    await bench.fires('B');
    await bench.fires('C');
    for (let tries = 0; tries < 12; tries += 1) {
      await bench.drain();
      bench.pass(2 * minute);
    }
    expect((await bench.outcomes()).sort()).toEqual(['firing delivered', 'firing delivered', 'firing open']);
    bench.fake.take();
    await bench.fires('D');
    await bench.drain();
    expect(bench.fake.take()[0]).toEqual(['firing D']);
  });
});
