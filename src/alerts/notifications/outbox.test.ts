import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../../engine/testing/harness.js';
import { recordEdges } from './store/edges.js';
import { readHealth } from './store/health.js';
import { prune } from './store/prune.js';
import { delivered, FakeNotifier, failing, NotificationBench } from './testing/bench.js';

let bench: NotificationBench;
beforeAll(async () => {
  bench = await NotificationBench.start();
});
afterEach(() => bench.clear());
afterAll(() => bench.stop());

const never = new AbortController().signal;

describe('the outbox', () => {
  it('has an edge exactly when its transaction is committed, once for each channel that wants it', async () => {
    const edge = bench.edge('A', 'firing', { severity: 'info' });
    const undone = bench.db.database.transaction(async (tx) => {
      await recordEdges(tx, [edge], [bench.channel()]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await bench.outcomes()).toEqual([]);
    const channels = [
      bench.channel('one'),
      bench.channel('two'),
      { ...bench.channel('pager'), minSeverity: 'critical' as const },
    ];
    for (let again = 0; again < 2; again += 1) {
      await bench.db.database.transaction((tx) => recordEdges(tx, [edge], channels));
    }
    const { rows } = await bench.db.database.query<{ channel: string }>(
      'select channel from signalbox.notification_outbox order by channel',
    );
    expect(rows).toEqual([{ channel: 'one' }, { channel: 'two' }]);
  });

  it('takes texts that the database cannot hold as they are', async () => {
    await bench.fires('A\u0000\ud800', { summary: 'x'.repeat(100_000), labels: { '\u0000': '\udfff' } });
    await bench.drain();
    expect(bench.fake.notices()).toMatchObject([{ rule: 'A\ufffd\ufffd', labels: { '\ufffd': '\ufffd' } }]);
  });

  it('is sent by one of many senders', async () => {
    for (let n = 0; n < 30; n += 1) await bench.fires(`R${n}`);
    bench.pass(2_000);
    const senders = Array.from({ length: 5 }, () => bench.sender());
    await Promise.all(senders.map((sender) => sender.drain('one', 'job', never)));
    const keys = bench.fake.notices().map(({ key }) => key);
    expect(keys.length).toBe(30);
    expect(new Set(keys).size).toBe(30);
  });

  it('gives a second sender nothing while the first has not ended, and its end is waited for in order', async () => {
    const sending = gate();
    const answered = gate();
    bench.fake.answer = async () => {
      sending.open();
      await answered.passed;
      return delivered;
    };
    const end = await bench.fires('A');
    const first = bench.drain();
    await sending.passed;
    await end();
    bench.pass(2_000);
    expect(await bench.sender().drain('one', 'escape', never)).toEqual({ delivered: 0, failed: 0 });
    answered.open();
    await first;
    await bench.drain();
    expect(bench.fake.take()).toEqual([['firing A'], ['resolved A']]);
  });

  it('is sent again under the same key when its sender died before it recorded the outcome', async () => {
    await bench.fires('A');
    const broken = bench.sender({ clock: dyingClock() });
    await expect(bench.drain(broken)).rejects.toThrow('the process died');
    await bench.drain();
    expect(bench.fake.messages.length).toBe(1);
    bench.pass(30_000);
    await bench.drain();
    const [first, second, ...more] = bench.fake.messages;
    expect(more).toEqual([]);
    expect(second?.key).toBe(first?.key);
    expect(second?.notices[0].key).toBe(first?.notices[0].key);
    expect((await bench.log()).map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
  });

  /** Answers the claim, and takes the record down with it. */
  function dyingClock() {
    let asked = 0;
    return async () => {
      asked += 1;
      if (asked > 1) throw new Error('the process died');
      return bench.now;
    };
  }

  it('lets a sender that comes too late change nothing', async () => {
    const sending = gate();
    const answered = gate();
    bench.fake.answer = async () => {
      sending.open();
      await answered.passed;
      return failing();
    };
    await bench.fires('A');
    const frozen = bench.drain();
    await sending.passed;
    bench.fake.answer = () => delivered;
    bench.pass(31_000);
    await bench.drain();
    answered.open();
    await frozen;
    expect(await bench.outcomes()).toEqual(['firing delivered']);
    const [health] = await readHealth(bench.db.database, ['one']);
    expect(health).toMatchObject({ failuresInARow: 0, undelivered: 0, lastError: null });
  });

  it('aborts an attempt at its time-out, and does not wait for an adapter that ignores that', async () => {
    let reason: unknown;
    bench.fake.answer = (_message, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
      });
    await bench.fires('A');
    expect(await bench.drain(bench.sender({ timeoutMs: 50 }))).toEqual({ delivered: 0, failed: 1 });
    expect(reason).toMatchObject({ kind: 'timeout' });
    bench.fake.answer = () => {
      throw new Error('https://hooks.example/secret');
    };
    bench.pass(10_000);
    await bench.drain();
    const log = await bench.log();
    expect(log.map(({ outcome }) => outcome)).toEqual(['retry', 'retry']);
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  it('says how each channel does', async () => {
    bench.now = new Date();
    bench.pass(-60_000);
    await bench.fires('A');
    bench.fake.answer = () => failing();
    await bench.drain();
    const [one, two] = await readHealth(bench.db.database, ['one', 'two']);
    expect(one).toMatchObject({
      failuresInARow: 1,
      lastError: 'not now',
      undelivered: 1,
      failed: 1,
      delivered: 0,
    });
    expect(one?.oldestUndeliveredMs).toBeGreaterThan(50_000);
    expect(two).toMatchObject({ failuresInARow: 0, undelivered: 0, oldestUndeliveredMs: null });
  });

  it('forgets what is long over, and gives up what no process can send', async () => {
    const end = await bench.fires('A');
    await bench.drain();
    await end();
    await bench.drain();
    await bench.record([bench.edge('B', 'firing')], ['gone']);
    bench.pass(8 * 86_400_000);
    await prune(bench.db.database, bench.now, new Date(bench.now.getTime() - 7 * 86_400_000));
    expect(await bench.outcomes()).toEqual(['firing expired']);
    expect(await bench.log()).toEqual([]);
  });
});

describe('a test message', () => {
  it('goes out past everything, and is logged', async () => {
    const receipt = await bench.sender().test('one', 'ada', never);
    expect(receipt).toMatchObject({ outcome: 'delivered', reply: 'ok' });
    expect(bench.fake.notices()).toMatchObject([{ kind: 'test', summary: expect.stringContaining('ada') }]);
    expect(await bench.log()).toMatchObject([{ sender: 'test', outcome: 'delivered' }]);
    await expect(bench.sender().test('two', 'ada', never)).rejects.toMatchObject({ code: 'channel_unknown' });
  });
});

describe('channels', () => {
  it('do not wait for one another', async () => {
    const slow = new FakeNotifier();
    const held = gate();
    slow.answer = async () => {
      await held.passed;
      return delivered;
    };
    const outlets = [
      { channel: bench.channel('one'), notifier: bench.fake },
      { channel: bench.channel('slow'), notifier: slow },
    ];
    const sender = bench.sender({ outlets });
    await bench.record([bench.edge('A', 'firing')], ['one', 'slow']);
    bench.pass(2_000);
    const waiting = sender.drain('slow', 'job', never);
    expect(await sender.drain('one', 'job', never)).toEqual({ delivered: 1, failed: 0 });
    held.open();
    expect(await waiting).toEqual({ delivered: 1, failed: 0 });
  });

  it('that know single events only get one notice a message', async () => {
    const single = new FakeNotifier(1);
    const sender = bench.sender({ outlets: [{ channel: bench.channel(), notifier: single }] });
    await bench.fires('A');
    await bench.fires('B');
    expect(await bench.drain(sender)).toEqual({ delivered: 2, failed: 0 });
    expect(single.take()).toEqual([['firing A'], ['firing B']]);
  });
});
