import type { Database } from '../database/database.js';
import type { Queryable } from '../database/queryable.js';
import { Batcher } from '../foundation/batcher.js';
import { isSignalboxError } from '../foundation/errors.js';
import type { Announcer } from './announcer.js';
import { type EnqueueOptions, prepareJob } from './enqueue.js';
import { engineErrors } from './errors.js';
import type { Accepted, AcceptedJob, Job } from './job.js';
import type { Lanes } from './lanes.js';
import {
  dropIdleKeys,
  holdersOf,
  type Inserted,
  insertJobs,
  type NewJob,
  takeKeys,
  undoDoubles,
} from './sql/enqueue.js';
import { findJobs } from './sql/read.js';
import type { Task } from './task.js';

/** How often a job may find its unique key held by a job that is gone when it is looked for. */
const keyTries = 5;

/** What is to be accepted together with others. */
export interface NewItem {
  readonly input: unknown;
  readonly options?: EnqueueOptions | undefined;
}

/** Writes jobs: alone, many at once, in a transaction of our own or of the caller's. */
export class Acceptor {
  readonly #database: Database;
  readonly #lanes: Lanes;
  readonly #announcer: Announcer;
  /** Single enqueues of many callers share a commit. */
  readonly #inserts: Batcher<NewJob, AcceptedJob>;

  constructor(database: Database, lanes: Lanes, announcer: Announcer) {
    this.#database = database;
    this.#lanes = lanes;
    this.#announcer = announcer;
    this.#inserts = new Batcher({
      run: (jobs) => this.#insertAwake(jobs),
      concurrency: 2,
      worthwhile: 24,
      maxBatch: 1_000,
      blames: (error) => !isSignalboxError(error),
    });
  }

  async one(task: Task, input: unknown, options?: EnqueueOptions): Promise<AcceptedJob> {
    const job = prepareJob(task, await this.#laneOf(task), input, options);
    if (job.more?.unique == null && options?.id === undefined) {
      return this.#inserts.add(job);
    }
    const [accepted] = await this.#insertExact([job]);
    return accepted as AcceptedJob;
  }

  /** In the caller's transaction: durable with that, and told to the workers with that. */
  async within(tx: Queryable, task: Task, input: unknown, options?: EnqueueOptions): Promise<AcceptedJob> {
    const job = prepareJob(task, await this.#lanes.within(tx, task.queue, task.name), input, options);
    const [accepted] =
      job.more?.unique == null && options?.id === undefined
        ? await this.#insertPlain(tx, [job], [job.queue])
        : await this.#insertChecked(tx, [job]);
    return accepted as AcceptedJob;
  }

  /** All or none, in the order given. */
  async many(task: Task, items: readonly NewItem[]): Promise<Accepted[]> {
    if (items.length === 0) return [];
    const laneId = await this.#laneOf(task);
    const jobs = items.map(({ input, options }) => prepareJob(task, laneId, input, options));
    if (jobs.some(({ more }) => more?.unique) || items.some(({ options }) => options?.id !== undefined)) {
      return (await this.#insertExact(jobs)).map(({ id, duplicate }) => ({ id, duplicate }));
    }
    const queues = [task.queue];
    const told = this.#announcer.claimWakes(queues);
    await insertJobs(this.#database, jobs, told);
    this.#announcer.enqueued(queues, told);
    return jobs.map(({ id }) => ({ id, duplicate: false }));
  }

  #laneOf(task: Task): number | Promise<number> {
    return this.#lanes.known(task.queue, task.name) ?? this.#lanes.require(task.queue, task.name);
  }

  async #insertAwake(jobs: readonly NewJob[]): Promise<AcceptedJob[]> {
    const queues = [...new Set(jobs.map(({ queue }) => queue))];
    const told = this.#announcer.claimWakes(queues);
    const accepted = await this.#insertPlain(this.#database, jobs, told);
    this.#announcer.enqueued(queues, told);
    return accepted;
  }

  async #insertPlain(
    db: Queryable,
    jobs: readonly NewJob[],
    wakes: readonly string[],
  ): Promise<AcceptedJob[]> {
    const inserted = await insertJobs(db, jobs, wakes);
    const { made } = inserted;
    const doubles = made === null ? [] : jobs.filter(({ id }) => !made.has(id));
    if (doubles.length === 0) return jobs.map((job) => acceptedJob(job, inserted));
    return this.#answerWith(db, jobs, inserted, new Map(doubles.map(({ id }) => [id, id])));
  }

  /** In a transaction of our own. */
  async #insertExact(jobs: readonly NewJob[]): Promise<AcceptedJob[]> {
    const queues = [...new Set(jobs.map(({ queue }) => queue))];
    const firstOf = new Map<string, NewJob>();
    for (const job of jobs) if (!firstOf.has(job.id)) firstOf.set(job.id, job);
    const distinct = [...firstOf.values()];
    const ids = [...firstOf.keys()];
    const accepted = await this.#database.transaction((tx) => this.#insertChecked(tx, distinct));
    this.#announcer.enqueued(queues, queues);
    if (distinct.length === jobs.length) return accepted;
    const answerTo = new Map(ids.map((id, n) => [id, accepted[n] as AcceptedJob]));
    return jobs.map((job) => {
      const answer = answerTo.get(job.id) as AcceptedJob;
      return firstOf.get(job.id) === job ? answer : Object.freeze({ ...answer, duplicate: true });
    });
  }

  /** With a second look at what may have been accepted before and have ended in the meantime. */
  async #insertChecked(tx: Queryable, jobs: readonly NewJob[]): Promise<AcceptedJob[]> {
    const answers = await this.#insertKeyed(tx, jobs);
    const ended = await undoDoubles(
      tx,
      jobs.map(({ id }) => id),
    );
    if (ended.length === 0) return answers;
    await dropIdleKeys(tx, ended);
    const found = new Map((await findJobs(tx, ended)).map((job) => [job.id, job]));
    return answers.map((answer) => duplicateOf(found.get(answer.id)) ?? answer);
  }

  /** Takes the unique keys first; a job whose key is held is answered with the holder. */
  async #insertKeyed(tx: Queryable, jobs: readonly NewJob[]): Promise<AcceptedJob[]> {
    const queues = [...new Set(jobs.map(({ queue }) => queue))];
    /** From a job that is not made to the one that is answered instead. */
    const instead = new Map<string, string>();
    const firstOf = new Map<string, NewJob>();
    for (const job of jobs) {
      const key = job.more?.unique?.key;
      if (key === undefined) continue;
      const first = firstOf.get(key);
      if (first === undefined) firstOf.set(key, job);
      else instead.set(job.id, first.id);
    }
    let open = [...firstOf.values()];
    for (let tries = 1; open.length > 0; tries += 1) {
      const wishes = open.map(({ id, more }) => ({
        id,
        unique: more?.unique as NonNullable<typeof more>['unique'],
      }));
      const taken = await takeKeys(
        tx,
        wishes.flatMap(({ id, unique }) => (unique === null ? [] : [{ id, unique }])),
      );
      open = open.filter(({ more }) => !taken.has(more?.unique?.key ?? ''));
      if (open.length === 0) break;
      const holders = await holdersOf(
        tx,
        open.map(({ id, more }) => ({ id, key: more?.unique?.key ?? '' })),
      );
      const still: NewJob[] = [];
      for (const job of open) {
        const holder = holders.get(job.more?.unique?.key ?? '');
        if (holder === undefined) still.push(job);
        else instead.set(job.id, holder);
      }
      if (tries === keyTries && still.length > 0) {
        throw engineErrors.unique_key_busy(
          `The unique key "${still[0]?.more?.unique?.key}" changes hands faster than it can be taken.`,
        );
      }
      open = still;
    }
    for (const [id, target] of instead) {
      const further = instead.get(target);
      if (further !== undefined) instead.set(id, further);
    }
    const wanted = jobs.filter(({ id }) => !instead.has(id));
    const inserted = await insertJobs(tx, wanted, queues);
    const there = wanted.filter(({ id }) => inserted.made !== null && !inserted.made.has(id));
    for (const { id } of there) instead.set(id, id);
    const idle = there.flatMap(({ id, more }) => (more?.unique == null ? [] : [id]));
    if (idle.length > 0) await dropIdleKeys(tx, idle);
    return this.#answerWith(tx, jobs, inserted, instead);
  }

  async #answerWith(
    db: Queryable,
    jobs: readonly NewJob[],
    inserted: Inserted,
    instead: ReadonlyMap<string, string>,
  ): Promise<AcceptedJob[]> {
    if (instead.size === 0) return jobs.map((job) => acceptedJob(job, inserted));
    const found = new Map((await findJobs(db, [...new Set(instead.values())])).map((job) => [job.id, job]));
    return jobs.map((job) => {
      const target = instead.get(job.id);
      if (target === undefined) return acceptedJob(job, inserted);
      return (
        duplicateOf(found.get(target)) ??
        Object.freeze({ ...acceptedJob(job, inserted), id: target, duplicate: true })
      );
    });
  }
}

function duplicateOf(job: Job | undefined): AcceptedJob | undefined {
  return job && Object.freeze({ ...job, duplicate: true });
}

/** The job as the database has it now: it was made this moment. */
function acceptedJob(job: NewJob, { at, scheduled }: Inserted): AcceptedJob {
  const more = job.more;
  return {
    duplicate: false,
    id: job.id,
    task: job.task,
    queue: job.queue,
    status: scheduled.has(job.id) ? 'scheduled' : 'queued',
    reason: null,
    priority: job.priority,
    get input(): unknown {
      return JSON.parse(job.input);
    },
    result: null,
    error: null,
    progress: null,
    attempt: 0,
    failures: 0,
    maxAttempts: job.maxAttempts,
    crashes: 0,
    timeoutMs: job.timeoutMs,
    owner: job.owner,
    tags: more?.tags ?? [],
    traceParent: job.traceParent,
    limitKey: more?.limit?.key ?? null,
    limitMax: more?.limit?.max ?? null,
    uniqueKey: more?.unique?.key ?? null,
    workerId: null,
    runAt: more?.runAt ?? at,
    createdAt: at,
    updatedAt: at,
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    expiresAt: more?.expiresAt ?? null,
    deadlineAt: more?.deadlineAt ?? null,
  };
}
