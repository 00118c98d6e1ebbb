import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFinal } from '../job.js';
import { claimCommands } from '../model/testing/commands/claim.js';
import { gateCommands, jobCommands } from '../model/testing/commands/control.js';
import { enqueueCommands, keyedCommands } from '../model/testing/commands/enqueue.js';
import { housekeepingCommands } from '../model/testing/commands/housekeeping.js';
import { settleCommands } from '../model/testing/commands/settle.js';
import { Model, type ModelJob } from '../model/testing/model.js';
import { Rig } from '../model/testing/rig.js';
import { exploration, patienceMs } from '../model/testing/settings.js';
import type { ExplainReason } from './explain.js';
import { nameOf } from './testing/remedies.js';
import { unwind } from './testing/unwind.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());

const life = [...claimCommands, ...settleCommands, ...housekeepingCommands, ...jobCommands, ...gateCommands];

/** The slots of a worker of the rig. */
const slots = 5;

/** What the model knows to keep a job waiting, by the names of reasons. */
function causes(model: Model, job: ModelJob): string[] {
  if (job.cancelRequested) return ['cancelling', 'no_leader'];
  if (job.deadline === 'past' || (job.expires === 'past' && job.runs === 0)) return ['no_leader', 'too_late'];
  const gates = model
    .gatesOf(job)
    .map(([limiter, gate]) => ({ name: limiter.replace(':', ' '), limiter, gate }));
  const able = rig.ghosts.filter(
    ({ state, queues, tasks }) =>
      state === 'live' && tasks.includes(job.task) && (queues?.includes(job.queue) ?? true),
  );
  const paused = gates.filter(({ gate }) => gate.paused).map(({ name }) => `paused ${name}`);
  const alone = able.length === 0 ? ['alone'] : [];
  const waitsForTime = job.status === 'scheduled' || job.status === 'retrying';
  if (waitsForTime && !job.due) return ['later', ...paused, ...alone];
  const key = job.limit;
  return [
    ...(waitsForTime ? ['due', 'no_leader'] : []),
    ...paused,
    ...alone,
    ...gates
      .filter(({ gate, limiter }) => gate.max !== null && model.use(limiter) >= gate.max)
      .map(({ name }) => `limit_reached ${name}`),
    ...(key !== null && model.use(`key:${key.key}`) >= key.max ? [`limit_reached key ${key.key}`] : []),
    ...gates
      .filter(({ gate }) => gate.tokens === 0 && !gate.paused)
      .map(({ name }) => `rate_limited ${name}`),
    ...(able.length > 0 && able.every(({ id }) => load(model, id) >= slots) ? ['slots_busy'] : []),
  ];
}

function load(model: Model, workerId: string): number {
  return model.jobs.filter(({ claim }) => claim?.workerId === workerId).length;
}

/** The model does not say why no worker is there, nor what a job that waits for its time waits for. */
function plain(reason: ExplainReason): string {
  const { code } = reason;
  if (code.startsWith('no_worker') || code === 'workers_draining') return 'alone';
  if (code === 'scheduled' || code === 'snoozed' || code === 'retry_wait') return 'later';
  return nameOf(reason);
}

const remarks = ['next', 'suspect', 'expires', 'deadline', 'key_line'];

async function check(model: Model, job: ModelJob): Promise<void> {
  const { reasons, status } = await rig.engine.jobs.explain(job.id);
  expect(status).toBe(job.status);
  const told = reasons.map(plain);
  // A line whose first was cancelled is looked after by the leader, of which the model knows nothing.
  const unled = job.held && told.includes('next') ? ['no_leader'] : [];
  const found = told.filter((name) => !remarks.includes(name) && !unled.includes(name));
  expect(
    new Set(found),
    `reasons of ${JSON.stringify(job, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`,
  ).toEqual(new Set(causes(model, job)));
  expect(told.includes('next') || told.includes('key_line') || found.length > 0).toBe(true);
  if (told.includes('next') && !job.held) expect(found).toEqual([]);
  for (const { message } of reasons) expect(message).toMatch(/^[A-Z0-9].*\.$/s);
}

describe('whatever happened in whatever order', () => {
  it.each([
    ['everything', 12, [...enqueueCommands, ...life]],
    ['keys', 10, [...keyedCommands, ...life]],
  ] as const)(
    'a job that waits gives its true reasons, and starts when they are taken away: %s',
    { timeout: patienceMs },
    async (_name, runs, commands) => {
      await fc.assert(
        fc.asyncProperty(
          fc.commands([...commands], { maxCommands: 50, size: 'max' }),
          fc.nat(200),
          async (steps, at) => {
            await rig.reset();
            await rig.db.query(`delete from signalbox.leader`);
            const model = new Model();
            await fc.asyncModelRun(() => ({ model, real: { rig, seen: new Map() } }), steps);
            const waiting = model.jobs.filter(({ status }) => !isFinal(status) && status !== 'processing');
            for (const job of waiting) await check(model, job);
            const one = waiting[at % Math.max(waiting.length, 1)];
            if (one !== undefined) await unwind(rig.db, rig.engine.jobs, one.id);
          },
        ),
        exploration(runs),
      );
    },
  );
});
