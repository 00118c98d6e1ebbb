import fc from 'fast-check';
import { expect } from 'vitest';
import { newId } from '../../../../foundation/ids.js';
import type { EnqueueOptions } from '../../../enqueue.js';
import { type AcceptedJob, type JobStatus, unfinishedStatuses } from '../../../job.js';
import type { Task } from '../../../task.js';
import { command, pick } from '../command.js';
import type { Model, Moment } from '../model.js';
import { lanes } from '../rig.js';

interface Wish {
  readonly priority: number;
  readonly limit: { readonly key: string; readonly limit: number } | null;
  readonly unique: { readonly key: string; readonly states: readonly JobStatus[] } | null;
  readonly later: boolean;
  readonly expires: Moment;
  readonly deadline: Moment;
}

const moment = fc.constantFrom<Moment>('none', 'none', 'none', 'none', 'future', 'past');
const states = fc.constantFrom<readonly JobStatus[]>(
  unfinishedStatuses,
  unfinishedStatuses,
  ['scheduled', 'queued'],
  ['scheduled', 'queued', 'processing'],
  [...unfinishedStatuses, 'succeeded', 'failed'],
);
const wish: fc.Arbitrary<Wish> = fc.record({
  priority: fc.constantFrom(0, 0, 0, -1, 1),
  limit: fc.option(fc.record({ key: fc.constantFrom('k', 'l'), limit: fc.constantFrom(1, 1, 2) })),
  unique: fc.option(fc.record({ key: fc.constantFrom('u', 'v'), states }), { freq: 2 }),
  later: fc.nat(4).map((n) => n === 0),
  expires: moment,
  deadline: moment,
});
const plain: Wish = {
  priority: 0,
  limit: null,
  unique: null,
  later: false,
  expires: 'none',
  deadline: 'none',
};
const lane = fc.nat(lanes.length - 1);

const enqueue = command<{ lane: number; wish: Wish }>('enqueue', async ({ lane, wish }, model, rig) => {
  const task = laneAt(lane);
  const id = wish.unique === null ? undefined : newId();
  accept(model, task, wish, await rig.engine.enqueue(task, {}, { ...optionsOf(wish), id }));
});

const enqueueMany = command<{ lane: number; wishes: readonly Wish[] }>(
  'enqueueMany',
  async ({ lane, wishes }, model, rig) => {
    const task = laneAt(lane);
    const items = wishes.map((wish) => ({ input: {}, options: optionsOf(wish) }));
    const accepted = await rig.engine.enqueueMany(task, items);
    expect(accepted).toHaveLength(items.length);
    for (const [at, wish] of wishes.entries()) {
      const answer = accepted[at];
      if (answer === undefined) continue;
      const job = await rig.engine.jobs.get(answer.id);
      accept(model, task, wish, { ...job, duplicate: answer.duplicate });
    }
  },
);

/** As does a caller who never got the answer: the same id, and perhaps a unique key, once more. */
const enqueueAgain = command<{ job: number; states: readonly JobStatus[] }>(
  'enqueueAgain',
  async ({ job: at, states }, model, rig) => {
    const job = pick(model.jobs, at);
    if (job === undefined) return;
    const task = lanes.find(({ queue, name }) => queue === job.queue && name === job.task);
    const unique = { key: job.uniqueKey ?? 'u', states };
    const accepted = await rig.engine.enqueue(task ?? job.task, {}, { id: job.id, unique });
    expect(accepted).toMatchObject({ id: job.id, duplicate: true, status: job.status });
  },
);

function accept(model: Model, task: Task, wish: Wish, accepted: AcceptedJob): void {
  const holder = wish.unique === null ? undefined : model.unique.get(wish.unique.key);
  if (holder !== undefined) {
    expect(accepted).toMatchObject({ id: holder.jobId, duplicate: true });
    return;
  }
  const status = wish.later ? 'scheduled' : 'queued';
  expect(accepted).toMatchObject({ duplicate: false, status, attempt: 0 });
  if (wish.unique !== null) {
    model.unique.set(wish.unique.key, { jobId: accepted.id, states: wish.unique.states });
  }
  model.jobs.push({
    id: accepted.id,
    queue: task.queue,
    task: task.name,
    priority: wish.priority,
    limit: wish.limit === null ? null : { key: wish.limit.key, max: wish.limit.limit },
    uniqueKey: wish.unique?.key ?? null,
    status,
    runs: 0,
    failures: 0,
    crashes: 0,
    place: 0n,
    held: false,
    cancelRequested: false,
    expires: wish.expires,
    deadline: wish.deadline,
    due: false,
    claim: null,
  });
}

const hourMs = 3_600_000;

function optionsOf({ priority, limit, unique, later, expires, deadline }: Wish): EnqueueOptions {
  return {
    priority,
    concurrency: limit ?? undefined,
    unique: unique ?? undefined,
    runAt: later ? new Date(Date.now() + hourMs) : undefined,
    expiresAt: dateOf(expires),
    deadlineAt: dateOf(deadline),
  };
}

function dateOf(when: Moment): Date | undefined {
  if (when === 'none') return undefined;
  return new Date(Date.now() + (when === 'past' ? -hourMs : hourMs));
}

function laneAt(at: number): Task {
  const task = lanes[at];
  if (task === undefined) throw new Error(`there is no lane ${at}`);
  return task;
}

/** Jobs with a key and a priority, and no other wishes: what the lines of keys are about. */
const keyedWish = wish.map(({ limit, priority, later }) => ({
  ...plain,
  priority,
  limit: limit ?? { key: 'k', limit: 1 },
  later: later && priority === 0,
}));
/** Jobs that only gates restrain. */
const plainWish = wish.map(({ priority }) => ({ ...plain, priority }));

function commandsFor(wish: fc.Arbitrary<Wish>) {
  const many = fc.record({ lane, wishes: fc.array(wish, { minLength: 1, maxLength: 5 }) }).map(enqueueMany);
  const again = fc.record({ job: fc.nat(60), states }).map(enqueueAgain);
  return [fc.record({ lane, wish }).map(enqueue), many, many, many, again];
}

export const enqueueCommands = commandsFor(wish);
export const keyedCommands = commandsFor(keyedWish);
export const plainCommands = commandsFor(plainWish);
