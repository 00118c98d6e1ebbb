import fc from 'fast-check';
import { expect } from 'vitest';
import type { Queryable } from '../../../../database/queryable.js';
import {
  type End,
  type Fence,
  finish,
  giveBack,
  type Outcome,
  type Return,
  type Settlement,
  saveProgress,
} from '../../../sql/settle.js';
import { forgottenJobs } from '../../../sql/workers.js';
import { type Act, command, pick } from '../command.js';
import type { Model, ModelJob } from '../model.js';
import type { Ghost, Held } from '../rig.js';

const error = { type: 'Error', message: 'it broke', retryable: true, attempt: 1 };
const ends: readonly End[] = [
  { kind: 'succeeded', resultJson: 'null' },
  { kind: 'succeeded', resultJson: '{"done":true}' },
  { kind: 'failed', reason: 'permanent_error', error },
  { kind: 'cancelled' },
];
const returns: readonly Return[] = [
  { kind: 'retrying', reason: 'error', error, delayMs: 0 },
  { kind: 'retrying', reason: 'error', error, delayMs: 3_600_000 },
  { kind: 'snoozed', reason: 'snoozed', delayMs: 3_600_000, message: 'no room' },
  { kind: 'released', begun: true },
];

interface Choice {
  readonly at: number;
  readonly outcome: number;
}

/** Outcomes of some of what a worker, of now or before, believes it holds; some of it is long taken away. */
interface Args {
  readonly worker: number;
  readonly choices: readonly Choice[];
  /** Whether the rows of claims that are over go with it. */
  readonly tidy: boolean;
}

type Recorder<O extends Outcome> = (
  db: Queryable,
  workerId: string,
  batch: readonly Settlement<O>[],
  done: readonly string[],
) => Promise<ReadonlySet<string> | null>;

function settle<O extends Outcome>(
  outcomes: readonly O[],
  record: Recorder<O>,
  apply: (model: Model, job: ModelJob, settlement: Settlement<O>) => void,
): Act<Args> {
  return async ({ worker, choices, tidy }, model, rig) => {
    const ghost = pick(
      [...rig.ghosts, ...rig.former].filter(({ held }) => held.length > 0),
      worker,
    );
    if (ghost === undefined) return;
    const batch: Settlement<O>[] = [];
    const mine = new Set<Held>();
    for (const { at, outcome } of choices) {
      const held = chosen(ghost, at);
      const what = pick(outcomes, outcome);
      if (held === undefined || what === undefined || mine.has(held)) continue;
      mine.add(held);
      batch.push({ fence: held.fence, limited: held.limited, outcome: what });
    }
    const valid = batch.filter(({ fence }) => isHeld(model, fence));
    for (const held of mine) held.settled = true;
    const answer = await record(rig.db, ghost.id, batch, tidy ? claimsOver(ghost) : []);
    const ids = new Set(valid.map(({ fence }) => fence.jobId));
    expect(answer).toEqual(valid.length === batch.length ? null : ids);
    for (const settlement of valid) apply(model, model.get(settlement.fence.jobId), settlement);
  };
}

/** Three times out of four what is not settled yet; else anything it ever held. */
function chosen(ghost: Ghost, at: number): Held | undefined {
  const open = ghost.held.filter(({ settled }) => !settled);
  return at % 4 === 0 || open.length === 0 ? pick(ghost.held, at) : pick(open, at);
}

function isHeld(model: Model, { jobId, attempt, claimId }: Fence): boolean {
  const job = model.get(jobId);
  return job.claim?.id === claimId && job.runs + 1 === attempt;
}

function claimsOver(ghost: Ghost): string[] {
  const open = new Set(ghost.held.filter(({ settled }) => !settled).map(({ fence }) => fence.claimId));
  const all = new Set(ghost.held.map(({ fence }) => fence.claimId));
  return [...all].filter((claimId) => !open.has(claimId));
}

const finished = command(
  'finish',
  settle(ends, finish, (model, job, { outcome, limited }) => {
    model.stop(job, outcome.kind, limited);
    if (outcome.kind === 'failed') job.failures += 1;
  }),
);

const givenBack = command(
  'giveBack',
  settle(returns, giveBack, (model, job, { outcome }) => putBack(model, job, outcome)),
);

function putBack(model: Model, job: ModelJob, outcome: Return): void {
  const states = { retrying: 'retrying', snoozed: 'scheduled', released: 'queued' } as const;
  model.stop(job, states[outcome.kind]);
  job.due = 'delayMs' in outcome && outcome.delayMs === 0;
  if (outcome.kind === 'retrying') job.failures += 1;
}

const progress = command<{ worker: number; at: number; told: boolean }>(
  'progress',
  async ({ worker, at, told }, model, rig) => {
    const held = pick(pick([...rig.ghosts, ...rig.former], worker)?.held ?? [], at);
    if (held === undefined) return;
    const recorded = await saveProgress(rig.db, held.fence, { fraction: 0.5, message: null }, told);
    expect(recorded).toBe(isHeld(model, held.fence));
  },
);

/** A live worker asks what it is said to run, and gives back what it never heard of. */
const reconcile = command<{ post: number }>('reconcile', async ({ post }, model, rig) => {
  const ghost = rig.ghost(post);
  const known = [...new Set(ghost.held.map(({ fence }) => fence.claimId))];
  const forgotten = await forgottenJobs(rig.db, ghost.id, known);
  const outcome = { kind: 'released', begun: true } as const;
  const batch = forgotten.map(({ job_id: jobId, attempt, claim_id: claimId }) => ({
    fence: { jobId, attempt, workerId: ghost.id, claimId },
    outcome,
    limited: true,
  }));
  const valid = batch.filter(({ fence }) => isHeld(model, fence));
  await giveBack(rig.db, ghost.id, batch, [...new Set(forgotten.map(({ claim_id }) => claim_id))]);
  for (const { fence } of valid) putBack(model, model.get(fence.jobId), outcome);
  const unheard = model.jobs.filter(({ claim }) => claim?.workerId === ghost.id && !known.includes(claim.id));
  expect(unheard).toEqual([]);
});

const choices = fc.array(fc.record({ at: fc.nat(50), outcome: fc.nat(3) }), { minLength: 1, maxLength: 4 });
const batches = fc.record({ worker: fc.nat(8), choices, tidy: fc.nat(2).map((n) => n < 2) });

export const settleCommands = [
  batches.map(finished),
  batches.map(finished),
  batches.map(finished),
  batches.map(givenBack),
  batches.map(givenBack),
  fc.record({ worker: fc.nat(8), at: fc.nat(50), told: fc.boolean() }).map(progress),
  fc.record({ post: fc.nat(2) }).map(reconcile),
];
