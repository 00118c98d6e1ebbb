import type { Census } from '../../../engine/census.js';
import { jobStatuses } from '../../../engine/job.js';
import type { MetricRegistry } from '../registry.js';
import { inTurns } from '../slices.js';
import type { CensusReader, Reading } from './census-reader.js';
import { clusterMetrics as declared } from './declarations.js';

/** Writes what was read from the database. What is not in it any more vanishes. */
export class ClusterRecorder {
  readonly #registry: MetricRegistry;
  readonly #reader: CensusReader<Census>;
  #written: Reading<Census> | undefined;
  #writing: Promise<void> | undefined;
  #told = { succeeded: 0, failed: 0 };

  constructor(registry: MetricRegistry, reader: CensusReader<Census>) {
    this.#registry = registry;
    this.#reader = reader;
  }

  /** However many ask at once, what was read is written once. */
  async collect(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #write(): Promise<void> {
    const reading = await this.#reader.latest();
    if (reading !== undefined && reading !== this.#written) {
      this.#written = reading;
      for (const write of [writeJobs, writeFindings, writeQueues, writeTasks, writeWorkers, writeSchedules]) {
        await inTurns(write(this.#registry, reading.value));
      }
    }
    const age =
      reading === undefined ? Number.POSITIVE_INFINITY : (performance.now() - reading.readAt) / 1_000;
    this.#registry.gauge(declared.age).set({}, age);
    this.#tellReads();
  }

  #tellReads(): void {
    const reads = this.#registry.counter(declared.reads);
    const now = this.#reader.readings;
    reads.with({ result: 'succeeded' }).inc(now.succeeded - this.#told.succeeded);
    reads.with({ result: 'failed' }).inc(now.failed - this.#told.failed);
    this.#told = now;
  }
}

function* writeJobs(registry: MetricRegistry, { queues }: Census): Generator<void> {
  yield* registry
    .gauge(declared.queueJobs)
    .replacing(
      queues.flatMap(({ queue, jobs }) =>
        jobStatuses.map((state) => [{ queue, state }, jobs[state]] as const),
      ),
    );
}

function* writeFindings(registry: MetricRegistry, { findings }: Census): Generator<void> {
  yield* registry
    .gauge(declared.findings)
    .replacing(
      findings.map(
        ({ code, queue, schedule }) => [{ code, queue: queue ?? '', schedule: schedule ?? '' }, 1] as const,
      ),
    );
}

function* writeQueues(registry: MetricRegistry, { queues, gates }: Census): Generator<void> {
  const gateOf = new Map(gates.filter(({ kind }) => kind === 'queue').map((gate) => [gate.name, gate]));
  const each = (of: (queue: (typeof queues)[number]) => number) =>
    queues.map((one) => [{ queue: one.queue }, of(one)] as const);
  yield* registry.gauge(declared.unserved).replacing(each(({ unserved }) => unserved));
  yield* registry.gauge(declared.workers).replacing(each(({ workers }) => workers));
  yield* registry.gauge(declared.waitingAge).replacing(each(({ waitingMs }) => (waitingMs ?? 0) / 1_000));
  yield* registry.gauge(declared.runningAge).replacing(each(({ runningMs }) => (runningMs ?? 0) / 1_000));
  yield* registry.gauge(declared.overrun).replacing(each(({ overrunMs }) => (overrunMs ?? 0) / 1_000));
  yield* registry
    .gauge(declared.queuePaused)
    .replacing(each(({ queue }) => Number(gateOf.get(queue)?.pausedAt != null)));
  yield* registry
    .gauge(declared.queueLimit)
    .replacing([...gateOf.values()].flatMap(({ name, maxRunning }) => limit({ queue: name }, maxRunning)));
}

function* writeTasks(registry: MetricRegistry, { tasks, gates }: Census): Generator<void> {
  const gateOf = new Map(gates.filter(({ kind }) => kind === 'task').map((gate) => [gate.name, gate]));
  yield* registry
    .gauge(declared.taskPaused)
    .replacing(tasks.map((task) => [{ task }, Number(gateOf.get(task)?.pausedAt != null)] as const));
  yield* registry
    .gauge(declared.taskLimit)
    .replacing([...gateOf.values()].flatMap(({ name, maxRunning }) => limit({ task: name }, maxRunning)));
}

function limit<L>(labels: L, maxRunning: number | null): (readonly [L, number])[] {
  return maxRunning === null ? [] : [[labels, maxRunning]];
}

function* writeWorkers(registry: MetricRegistry, { workers, led }: Census): Generator<void> {
  yield* registry
    .gauge(declared.workerInfo)
    .replacing(workers.map(({ id, hostname, status }) => [{ worker: id, hostname, status }, 1] as const));
  yield* registry
    .gauge(declared.heartbeat)
    .replacing(
      workers.map(({ id, heartbeatAt }) => [{ worker: id }, heartbeatAt.getTime() / 1_000] as const),
    );
  const live = workers.filter((worker) => worker.live);
  yield* registry.gauge(declared.slots).replacing(
    live.flatMap(({ id: worker, concurrency, running }) => {
      // What was claimed ahead of time waits for a slot.
      const busy = Math.min(running, concurrency);
      return [
        [{ worker, state: 'busy' }, busy],
        [{ worker, state: 'free' }, concurrency - busy],
      ] as const;
    }),
  );
  registry.gauge(declared.leader).set({}, Number(led));
}

function* writeSchedules(registry: MetricRegistry, { schedules }: Census): Generator<void> {
  const at = (name: string, time: Date | null) =>
    time === null ? [] : [[{ schedule: name }, time.getTime() / 1_000] as const];
  yield* registry
    .gauge(declared.scheduleNext)
    .replacing(schedules.flatMap(({ name, nextRunAt }) => at(name, nextRunAt)));
  yield* registry
    .gauge(declared.scheduleSuccess)
    .replacing(schedules.flatMap(({ name, lastSuccessAt }) => at(name, lastSuccessAt)));
  yield* registry
    .gauge(declared.scheduleFailures)
    .replacing(schedules.map(({ name, failures }) => [{ schedule: name }, failures] as const));
}
