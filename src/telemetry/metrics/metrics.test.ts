import { afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../database/database.js';
import { Engine } from '../../engine/engine.js';
import { Ghost } from '../../engine/testing/ghost.js';
import { anyTask, Harness } from '../../engine/testing/harness.js';
import { type Line, openLine } from '../../engine/testing/line.js';
import { silentLogger as logger } from '../../foundation/logger.js';
import { clusterMetrics } from './cluster/declarations.js';
import type { Format } from './format.js';
import { Metrics } from './metrics.js';
import { type ParsedFamily, parseExposition, sampleValue } from './testing/exposition.js';

const work = anyTask('work', async () => 1);

let h: Harness;
const made: Metrics[] = [];
afterEach(async () => {
  for (const metrics of made.splice(0)) await metrics.stop();
  await h.stop();
});

function newMetrics(freshMs = 0): Metrics {
  const metrics = new Metrics({ version: '1.2.3', logger, freshMs });
  made.push(metrics);
  return metrics;
}

async function scraped(metrics: Metrics, format: Format = 'prometheus') {
  return parseExposition((await metrics.scrape(format)).text, format);
}

const nowhere = { queue: 'default', task: 'work' };

describe('a scrape', () => {
  it('tells what the process did, with the trace as the exemplar of its buckets', async () => {
    const metrics = newMetrics();
    h = await Harness.start([work], logger, { hooks: [metrics.hooks] });
    metrics.attach({ engine: h.engine, database: h.db.database });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceParent = `00-${traceId}-b7ad6b7169203331-01`;
    const { id } = await h.engine.enqueue(work, 1, { traceParent });
    expect(sampleValue(await scraped(metrics), 'signalbox_queue_jobs', { state: 'queued' })).toBe(1);
    await h.worker();
    await h.until(id, 'succeeded');
    const text = await scraped(metrics, 'openmetrics');
    expect(sampleValue(text, 'signalbox_jobs_enqueued_total', nowhere)).toBe(1);
    const ended = { ...nowhere, outcome: 'succeeded', reason: 'none' };
    expect(sampleValue(text, 'signalbox_jobs_finished_total', ended)).toBe(1);
    expect(sampleValue(text, 'signalbox_jobs_rescued_total', nowhere)).toBe(0);
    expect(sampleValue(text, 'signalbox_queue_jobs', { queue: 'default', state: 'succeeded' })).toBe(1);
    for (const name of ['signalbox_job_wait_seconds', 'signalbox_job_run_seconds']) {
      expect(sampleValue(text, `${name}_count`, nowhere)).toBe(1);
      const exemplars = text.get(name)?.samples.flatMap(({ exemplar }) => exemplar?.labels.trace_id ?? []);
      expect(exemplars).toEqual([traceId]);
    }
    expect(sampleValue(text, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(sampleValue(text, 'signalbox_build_info', { version: '1.2.3' })).toBe(1);
    expect(sampleValue(text, 'signalbox_db_pool_size')).toBe(10);
  });

  it('forgets workers and limits that are gone, and keeps every state of every queue', async () => {
    h = await Harness.start([work]);
    const metrics = newMetrics();
    metrics.attach({ engine: h.engine, database: h.db.database });
    const ghost = await Ghost.appear(h, 'work');
    await h.engine.gates.limit('queue', 'default', { maxRunning: 7 });
    await h.engine.gates.pause('queue', 'default');
    const before = await scraped(metrics);
    expect(sampleValue(before, 'signalbox_workers', { queue: 'default' })).toBe(1);
    expect(sampleValue(before, 'signalbox_worker_slots', { worker: ghost.id, state: 'free' })).toBe(1);
    expect(sampleValue(before, 'signalbox_queue_concurrency_limit', { queue: 'default' })).toBe(7);
    expect(sampleValue(before, 'signalbox_queue_paused', { queue: 'default' })).toBe(1);
    await h.engine.gates.limit('queue', 'default', { maxRunning: null });
    await h.engine.gates.resume('queue', 'default');
    await h.db.database.query('delete from signalbox.worker where id = $1', [ghost.id]);
    const after = await scraped(metrics);
    expect(after.get('signalbox_worker_slots')?.samples).toEqual([]);
    expect(after.get('signalbox_worker_last_heartbeat_timestamp_seconds')?.samples).toEqual([]);
    expect(after.get('signalbox_queue_concurrency_limit')?.samples).toEqual([]);
    expect(sampleValue(after, 'signalbox_queue_paused', { queue: 'default' })).toBe(0);
    expect(sampleValue(after, 'signalbox_workers', { queue: 'default' })).toBe(0);
    expect(after.get('signalbox_queue_jobs')?.samples).toHaveLength(8);
  });

  it('reads the database once for all who come at the same time, and not again soon', async () => {
    h = await Harness.start([work]);
    const metrics = newMetrics(3_600_000);
    let readings = 0;
    const census = () => {
      readings += 1;
      return h.engine.census();
    };
    const { leading, tasks } = h.engine;
    metrics.attach({ engine: { leading, tasks, census }, database: h.db.database });
    const formats: readonly Format[] = ['prometheus', 'openmetrics', 'prometheus', 'openmetrics'];
    await Promise.all(formats.map((format) => metrics.scrape(format)));
    await metrics.scrape('prometheus');
    expect(readings).toBe(1);
  });

  it('says the same of the whole system from two processes', async () => {
    const mine = newMetrics();
    const theirs = newMetrics();
    h = await Harness.start([work], logger, { hooks: [mine.hooks] });
    const other = await h.another([work], { hooks: [theirs.hooks] });
    mine.attach({ engine: h.engine, database: h.db.database });
    theirs.attach({ engine: other, database: h.db.database });
    const done = await h.engine.enqueue(work, 1);
    const worker = await h.worker();
    await h.until(done.id, 'succeeded');
    await worker.stop();
    await Ghost.appear(h, 'work');
    await h.engine.enqueueMany(work, [{ input: 1 }, { input: 2 }]);
    await h.engine.enqueue(work, 1, { runAt: new Date(Date.now() + 3_600_000) });
    const of = async (metrics: Metrics) => {
      const text = await scraped(metrics);
      return Object.values(clusterMetrics)
        .filter(({ scope }) => scope === 'cluster')
        .flatMap(({ name }) => text.get(name)?.samples ?? []);
    };
    const [first, second] = [await of(mine), await of(theirs)];
    const timeless = (samples: typeof first) => samples.filter(({ name }) => !/age_seconds$/.test(name));
    expect(timeless(first).length).toBeGreaterThan(15);
    expect(timeless(second)).toEqual(timeless(first));
    expect(second.map(({ name, labels }) => [name, labels])).toEqual(
      first.map(({ name, labels }) => [name, labels]),
    );
  });
});

describe('while the database', () => {
  let line: Line;
  let database: Database;
  let engine: Engine;

  async function throughLine(metrics: Metrics): Promise<void> {
    h = await Harness.start([work]);
    line = await openLine(h.db.url);
    const connection = { ...h.db.connection, connectTimeoutMs: 1_000, statementTimeoutMs: 1_000 };
    database = new Database({ ...connection, url: line.url, poolSize: 3, logger });
    engine = new Engine({ database, tasks: [work], logger });
    metrics.attach({ engine, database });
  }
  afterEach(async () => {
    line.restore();
    await database.close();
    await line.close();
  });

  /** The fastest of a few: a loaded machine is not what is measured. */
  async function fastest(metrics: Metrics): Promise<{ ms: number; text: Map<string, ParsedFamily> }> {
    let ms = Number.POSITIVE_INFINITY;
    let text = new Map<string, ParsedFamily>();
    for (let tries = 0; tries < 3; tries += 1) {
      const begun = performance.now();
      text = await scraped(metrics);
      ms = Math.min(ms, performance.now() - begun);
    }
    return { ms, text };
  }

  it.each(['silence', 'refuse'] as const)(
    'does not answer (%s), it comes in time, with its age',
    async (how) => {
      const metrics = newMetrics();
      await throughLine(metrics);
      await h.engine.enqueue(work, 1);
      expect(sampleValue(await scraped(metrics), 'signalbox_queue_jobs', { state: 'queued' })).toBe(1);
      line[how]();
      const one = await fastest(metrics);
      expect(one.ms).toBeLessThan(1_000);
      expect(sampleValue(one.text, 'signalbox_queue_jobs', { state: 'queued' })).toBe(1);
      const age = sampleValue(one.text, 'signalbox_cluster_age_seconds') ?? 0;
      const later = await fastest(metrics);
      expect(sampleValue(later.text, 'signalbox_cluster_age_seconds')).toBeGreaterThan(age);
      line.restore();
      await h.engine.enqueue(work, 1);
      const deadline = performance.now() + 20_000;
      let queued: number | undefined;
      while (queued !== 2 && performance.now() < deadline) {
        queued = sampleValue(await scraped(metrics), 'signalbox_queue_jobs', { state: 'queued' });
      }
      expect(queued).toBe(2);
      expect(
        sampleValue(await scraped(metrics), 'signalbox_cluster_reads_total', { result: 'failed' }),
      ).toBeGreaterThan(0);
    },
  );

  it('has not answered yet, it says that it knows nothing, not that there is nothing', async () => {
    const metrics = newMetrics();
    await throughLine(metrics);
    line.silence();
    const { ms, text } = await fastest(metrics);
    expect(ms).toBeLessThan(1_000);
    expect(sampleValue(text, 'signalbox_cluster_age_seconds')).toBe(Number.POSITIVE_INFINITY);
    expect(text.get('signalbox_queue_jobs')?.samples).toEqual([]);
    expect(text.get('signalbox_leader')?.samples).toEqual([]);
  });
});

describe('with a thousand lanes', () => {
  it('no slice of a scrape holds the event loop for 50 ms', async () => {
    const tasks = Array.from({ length: 1_000 }, (_, n) =>
      anyTask(`work.${n}`, async () => 1, { queue: `queue-${n % 500}` }),
    );
    const metrics = newMetrics();
    h = await Harness.start(tasks, logger, { hooks: [metrics.hooks], housekeepingMs: 60_000 });
    metrics.attach({ engine: h.engine, database: h.db.database });
    for (const { name, queue } of tasks) {
      const job = {
        id: 'x',
        task: name,
        queue,
        attempt: 1,
        owner: null,
        tags: [],
        traceParent: null,
        workerId: 'w',
      };
      metrics.hooks.attemptStarted?.(job, 10);
      metrics.hooks.attemptEnded?.(job, 'succeeded', 10, null, null);
    }
    for (const format of ['prometheus', 'openmetrics'] as const) {
      const longest: number[] = [];
      for (let tries = 0; tries < 6; tries += 1) {
        const turns = new Turns();
        const { text } = await metrics.scrape(format);
        longest.push(turns.stop());
        if (tries > 0) continue;
        expect(parseExposition(text, format).get('signalbox_job_run_seconds')?.samples).toHaveLength(18_000);
      }
      expect(Math.min(...longest), `slices of ${format}: ${longest.join(', ')} ms`).toBeLessThan(50);
    }
  });
});

/** The longest turn of the event loop so far, milliseconds: of its time, what the machine gave to others left out. */
class Turns {
  #longest = 0;
  #wall = performance.now();
  #cpu = process.cpuUsage();
  #next = setImmediate(() => this.#turn());

  stop(): number {
    clearImmediate(this.#next);
    this.#measure();
    return this.#longest;
  }

  #turn(): void {
    this.#measure();
    this.#next = setImmediate(() => this.#turn());
  }

  #measure(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    const ms = Math.min(performance.now() - this.#wall, (user + system) / 1_000);
    this.#longest = Math.max(this.#longest, ms);
    this.#wall = performance.now();
    this.#cpu = process.cpuUsage();
  }
}
