import fc from 'fast-check';
import { expect } from 'vitest';
import { isFinal, unfinishedStatuses } from '../../../job.js';
import { requestCancel, requeue } from '../../../sql/control.js';
import { type GateKind, pauseGate, setLimits } from '../../../sql/gates.js';
import { type Act, command, pick } from '../command.js';
import type { Model, ModelJob } from '../model.js';
import type { Rig } from '../rig.js';

interface JobArgs {
  readonly job: number;
}

function onJob(act: (job: ModelJob, model: Model, rig: Rig) => Promise<void>): Act<JobArgs> {
  return async ({ job: at }, model, rig) => {
    const job = pick(model.jobs, at);
    if (job !== undefined) await act(job, model, rig);
  };
}

const cancel = command(
  'cancel',
  onJob(async (job, model, rig) => {
    const answer = await requestCancel(rig.db, job.id);
    if (isFinal(job.status)) {
      expect(answer).toBeUndefined();
    } else if (job.claim !== null) {
      expect(answer).toBe('processing');
      job.cancelRequested = true;
    } else {
      expect(answer).toBe('cancelled');
      model.end(job, 'cancelled');
    }
  }),
);

const redrive = command(
  'redrive',
  onJob(async (job, model, rig) => {
    const moved = await requeue(rig.db, job.id);
    const holder = job.uniqueKey === null ? undefined : model.unique.get(job.uniqueKey);
    const free = holder === undefined || holder.jobId === job.id;
    expect(moved).toBe((job.status === 'failed' || job.status === 'cancelled') && free);
    if (!moved) return;
    model.redrive(job);
    if (job.uniqueKey !== null) {
      model.unique.set(job.uniqueKey, { jobId: job.id, states: unfinishedStatuses });
    }
  }),
);

/** Time passes for one job: it is due, or too late. */
const passTime = command(
  'passTime',
  onJob(async (job, _model, rig) => {
    await rig.db.query(passTimeSql, [job.id]);
    if (isFinal(job.status)) return;
    if (job.status === 'scheduled' || job.status === 'retrying') job.due = true;
    if (job.expires === 'future') job.expires = 'past';
    if (job.deadline === 'future') job.deadline = 'past';
  }),
);
const passTimeSql = `
  update signalbox.job
  set run_at = case when hold in ('scheduled', 'retrying') then now() else run_at end,
      expires_at = case when expires_at > now() then now() else expires_at end,
      deadline_at = case when deadline_at > now() then now() else deadline_at end
  where id = $1`;

/** The period of a unique key is over: it belongs to nobody, and the job that had it must not take it from the next. */
const freeKey = command<{ key: string }>('freeKey', async ({ key }, model, rig) => {
  await rig.db.query(`update signalbox.unique_key set until = now() where key = $1`, [key]);
  model.unique.delete(key);
});

interface GateName {
  readonly kind: GateKind;
  readonly name: string;
}

const pause = command<{ gate: GateName; paused: boolean }>(
  'pause',
  async ({ gate: { kind, name }, paused }, model, rig) => {
    await pauseGate(rig.db, kind, name, paused);
    model.gate(`${kind}:${name}`).paused = paused;
  },
);

interface LimitArgs {
  readonly gate: GateName;
  readonly max: number | null | undefined;
  /** What a new rate lets through. */
  readonly tokens: number | null | undefined;
}

const limit = command<LimitArgs>('limit', async ({ gate: { kind, name }, max, tokens }, model, rig) => {
  const rate = typeof tokens === 'number' ? { count: tokens, periodMs: 2_000_000_000 } : tokens;
  await setLimits(rig.db, kind, name, { maxRunning: max, rate });
  const limiter = `${kind}:${name}`;
  const gate = model.gate(limiter);
  if (tokens !== undefined) gate.tokens = tokens;
  if (max === undefined) return;
  gate.max = max;
  if (max === null) model.slots.delete(limiter);
  const inside = model.jobs.filter((job) => job.claim !== null && job[kind] === name);
  if (max !== null) for (const job of inside) model.occupy(limiter, job.id);
});

const gate = fc.constantFrom<GateName>(
  { kind: 'queue', name: 'left' },
  { kind: 'queue', name: 'right' },
  { kind: 'task', name: 'a' },
  { kind: 'task', name: 'b' },
);
const job = fc.record({ job: fc.nat(60) });

export const jobCommands = [
  job.map(cancel),
  job.map(redrive),
  job.map(passTime),
  fc.record({ key: fc.constantFrom('u', 'v') }).map(freeKey),
];

export const gateCommands = [
  fc.record({ gate, paused: fc.nat(2).map((n) => n === 2) }).map(pause),
  fc
    .record({
      gate,
      max: fc.constantFrom(undefined, null, null, 3, 2, 1, 0),
      tokens: fc.constantFrom(undefined, undefined, null, 3, 1),
    })
    .map(limit),
];
