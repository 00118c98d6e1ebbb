import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/engine.js';
import { gate, Harness } from '../../engine/testing/harness.js';
import type { Worker } from '../../engine/worker.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import type { Channel } from './channel.js';
import { Courier, type CourierOptions } from './courier.js';
import type { AlertEdge } from './edge.js';
import { Sender } from './sender.js';
import { databaseNow } from './store/channels.js';
import { type Delivery, listDeliveries } from './store/deliveries.js';
import { recordEdges } from './store/edges.js';
import { notifyQueue, notifyTask } from './task.js';
import { delivered, FakeNotifier } from './testing/bench.js';

const channels: readonly Channel[] = ['one', 'two'].map((name) => ({
  name,
  kind: 'webhook',
  minSeverity: 'info',
}));

/** A courier on a real engine and by the database's clock. */
class Post {
  readonly harness: Harness;
  readonly one: FakeNotifier;
  readonly two: FakeNotifier;
  readonly sender: Sender;
  readonly engine: Engine;
  readonly #couriers: Courier[] = [];
  readonly #workers: Worker[] = [];

  private constructor(parts: Pick<Post, 'harness' | 'sender' | 'engine' | 'one' | 'two'>) {
    this.harness = parts.harness;
    this.sender = parts.sender;
    this.engine = parts.engine;
    this.one = parts.one;
    this.two = parts.two;
  }

  static async open(): Promise<Post> {
    const one = new FakeNotifier();
    const two = new FakeNotifier();
    const harness = await Harness.start([]);
    const sender = new Sender({
      db: harness.db.database,
      outlets: channels.map((channel, index) => ({ channel, notifier: index === 0 ? one : two })),
      source: 'test',
      logger: silentLogger,
    });
    const engine = await harness.another([notifyTask(sender)]);
    return new Post({ harness, sender, engine, one, two });
  }

  async worker(): Promise<void> {
    const options = { queues: null, concurrency: 4, leaseMs: 10_000, drainTimeoutMs: 5_000, pollMs: 200 };
    const worker = this.engine.createWorker(options);
    this.#workers.push(worker);
    await worker.start();
  }

  courier(options: Partial<CourierOptions> = {}): Courier {
    const { engine } = this;
    const { db } = this.harness;
    const courier = new Courier({
      db: db.database,
      sender: this.sender,
      engine,
      logger: silentLogger,
      intervalMs: 50,
      ...options,
    });
    this.#couriers.push(courier);
    return courier;
  }

  /** An alert whose message has been due for `ms`. */
  async due(ms: number, names: readonly string[] = ['one']): Promise<void> {
    const { database } = this.harness.db;
    const at = new Date((await databaseNow(database)).getTime() - 2_000 - ms);
    const edge: AlertEdge = {
      alertId: newId(),
      rule: 'A',
      severity: 'critical',
      labels: {},
      state: 'firing',
      startedAt: at,
      at,
      summary: 's',
      remedy: 'r',
      link: null,
    };
    const to = channels.filter(({ name }) => names.includes(name));
    await database.transaction((tx) => recordEdges(tx, [edge], to));
  }

  async log(): Promise<Delivery[]> {
    return listDeliveries(this.harness.db.database, { limit: 100 });
  }

  async jobs(): Promise<string[]> {
    const { rows } = await this.harness.db.database.query<{ status: string }>(
      `select status from signalbox.jobs where task = 'signalbox.notify' order by id`,
    );
    return rows.map(({ status }) => status);
  }

  async close(): Promise<void> {
    for (const courier of this.#couriers) await courier.stop();
    for (const worker of this.#workers) await worker.stop();
    await this.harness.stop();
  }
}

let post: Post;
afterEach(() => post.close());

/** Resolves when the notifier has been given a message. */
function sent(notifier: FakeNotifier): Promise<void> {
  const { passed, open } = gate();
  notifier.answer = () => {
    open();
    return delivered;
  };
  return passed;
}

describe('the courier', () => {
  it('leaves what is due to a worker', async () => {
    post = await Post.open();
    await post.worker();
    const arrived = sent(post.one);
    await post.due(0);
    const courier = post.courier();
    expect(await courier.runOnce()).toEqual({ asked: 1, escaped: 0 });
    await arrived;
    const [job] = await post.harness.db.database
      .query<{ id: string }>(`select id from signalbox.jobs where task = 'signalbox.notify'`)
      .then(({ rows }) => rows);
    const { result } = await post.harness.until(job?.id ?? '', 'succeeded');
    expect(result).toEqual({ delivered: 1, failed: 0 });
    expect(await post.log()).toMatchObject([{ sender: 'job', outcome: 'delivered', channel: 'one' }]);
    expect(await courier.runOnce()).toEqual({ asked: 0, escaped: 0 });
  });

  it('sends at once itself when there is no worker, and leaves no job behind that nobody does', async () => {
    post = await Post.open();
    await post.due(0);
    const courier = post.courier();
    expect(await courier.runOnce()).toEqual({ asked: 0, escaped: 1 });
    await courier.settled();
    expect(post.one.take()).toEqual([['firing A']]);
    expect(await post.log()).toMatchObject([{ sender: 'escape', outcome: 'delivered' }]);
    expect(await post.jobs()).toEqual([]);
    expect(await post.engine.findings()).toEqual([]);
  });

  it('waits 10 s for a worker, then sends itself and takes the job back', async () => {
    post = await Post.open();
    await post.worker();
    await post.engine.gates.pause('queue', notifyQueue);
    await post.due(0);
    const courier = post.courier();
    expect(await courier.runOnce()).toEqual({ asked: 1, escaped: 0 });
    expect(await courier.runOnce()).toEqual({ asked: 1, escaped: 0 });
    expect(await post.jobs()).toEqual(['queued']);
    await post.harness.db.database.query(
      `update signalbox.notification_outbox set due_at = due_at - interval '10 seconds'`,
    );
    expect(await post.courier().runOnce()).toEqual({ asked: 0, escaped: 1 });
    await courier.stop();
    await post.harness.untilJob(await jobId(), ({ status }) => status === 'cancelled');
    expect(post.one.take()).toEqual([['firing A']]);
  });

  async function jobId(): Promise<string> {
    const { rows } = await post.harness.db.database.query<{ id: string }>(
      `select id from signalbox.jobs where task = 'signalbox.notify'`,
    );
    return rows[0]?.id ?? '';
  }

  it('sends itself when the engine cannot be asked', async () => {
    post = await Post.open();
    await post.worker();
    const { jobs } = post.engine;
    const workers = () => post.engine.workers();
    const broken = () => Promise.reject(new Error('the engine is broken'));
    await post.due(0);
    const noEnqueue = post.courier({ engine: { jobs, workers, enqueue: broken } });
    expect(await noEnqueue.runOnce()).toEqual({ asked: 0, escaped: 1 });
    await noEnqueue.settled();
    await post.due(0, ['two']);
    const noWorkers = post.courier({ engine: { jobs, workers: broken, enqueue: broken } });
    expect(await noWorkers.runOnce()).toEqual({ asked: 0, escaped: 1 });
    await noWorkers.settled();
    expect([post.one.take(), post.two.take()]).toEqual([[['firing A']], [['firing A']]]);
  });

  it('does not let a slow channel delay another one, and gives up what is under way when it stops', async () => {
    post = await Post.open();
    const begun = gate();
    post.one.answer = (_message, signal) =>
      new Promise((resolve) => {
        begun.open();
        const retry = { outcome: 'retry', error: 'aborted', reply: '', retryAfterMs: undefined } as const;
        signal.addEventListener('abort', () => resolve({ ...retry, uncertain: true, answered: false }));
      });
    const other = sent(post.two);
    await post.due(0, ['one', 'two']);
    const courier = post.courier();
    await courier.start();
    await begun.passed;
    await other;
    await courier.stop();
    await courier.stop();
    expect((await post.log()).filter(({ channel }) => channel === 'one')).toMatchObject([
      { outcome: 'retry', error: 'aborted' },
    ]);
  });

  it('does nothing where it is not to look', async () => {
    post = await Post.open();
    await post.due(60_000);
    expect(await post.courier({ leading: () => false }).runOnce()).toEqual({ asked: 0, escaped: 0 });
    expect(await post.log()).toEqual([]);
  });

  it('sends each message once, however many processes look', async () => {
    post = await Post.open();
    await post.worker();
    await post.due(60_000, ['one', 'two']);
    const couriers = Array.from({ length: 4 }, () => post.courier());
    await Promise.all(couriers.map((courier) => courier.runOnce()));
    await Promise.all(couriers.map((courier) => courier.settled()));
    expect([post.one.take(), post.two.take()]).toEqual([[['firing A']], [['firing A']]]);
  });
});
