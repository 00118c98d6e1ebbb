import fc from 'fast-check';
import { checkInvariants } from '../../invariants.js';
import { claimJobs, promoteDue, readClaim } from '../../sql/claim.js';
import { requestCancel, requeue } from '../../sql/control.js';
import { pauseGate, setLimits } from '../../sql/gates.js';
import { addUpTally, endOverdue, enforceCancels, healLimits, rescueJobs } from '../../sql/rescue.js';
import { finish, giveBack } from '../../sql/settle.js';
import { pick } from './command.js';
import { type Ghost, lanes, type Rig } from './rig.js';

/** What happened so far, over all clients. */
export interface Traffic {
  readonly rig: Rig;
  /** Ids that were accepted, each once. */
  readonly accepted: Set<string>;
  /** `job attempt` of every end that was recorded. */
  readonly ended: string[];
  /** Everything that any look at the invariants found. */
  readonly violations: Set<string>;
}

type Operation = (traffic: Traffic, a: number, b: number) => Promise<void>;

const states = [['queued', 'scheduled'], ['queued', 'scheduled', 'processing'], undefined] as const;

/** Everything that moves jobs. `a` and `b` choose among what is there. */
export const operations: Readonly<Record<string, Operation>> = {
  async enqueue({ rig, accepted }, a, b) {
    const task = pick(lanes, a) ?? 'a';
    const options = {
      priority: (b % 3) - 1,
      concurrency: b % 2 === 0 ? { key: `k${b % 3}`, limit: 1 + (b % 2) } : undefined,
      runAt: b % 7 === 0 ? new Date(Date.now() + 3_600_000) : undefined,
      deadlineAt: b % 11 === 0 ? new Date(Date.now() - 1_000) : undefined,
    };
    const jobs = await rig.engine.enqueueMany(
      task,
      Array.from({ length: 1 + (a % 4) }, () => ({ input: {}, options })),
    );
    for (const { id } of jobs) accepted.add(id);
  },
  async enqueueUnique({ rig, accepted }, a, b) {
    const unique = { key: `u${a % 2}`, states: pick(states, b) };
    const { id } = await rig.engine.enqueue(pick(lanes, b) ?? 'a', {}, { unique });
    accepted.add(id);
  },
  async enqueueAgain({ rig, accepted }, a) {
    const id = pick([...accepted], a);
    if (id !== undefined) await rig.engine.enqueue(pick(lanes, a) ?? 'a', {}, { id, unique: { key: 'u0' } });
  },
  async undo({ rig }, a) {
    await rig.db
      .transaction(async (tx) => {
        await rig.engine.enqueue(tx, pick(lanes, a) ?? 'a', {}, { unique: { key: `u${a % 2}` } });
        throw new Undone();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      });
  },
  claim: ({ rig }, a, b) => claim(rig, rig.ghost(a), 1 + (b % 5), b % 3 > 0),
  async end(traffic, a, b) {
    await end(traffic, traffic.rig.ghost(a), 1 + (b % 3), b % 4 === 0);
  },
  async endLate(traffic, a, b) {
    const ghost = pick(traffic.rig.former, a);
    if (ghost !== undefined) await end(traffic, ghost, 1 + (b % 3), false);
  },
  async giveBack({ rig }, a, b) {
    const ghost = rig.ghost(a);
    const held = take(ghost, 1 + (b % 3));
    const error = { type: 'Error', message: 'no', retryable: true, attempt: 1 };
    const batch = held.map(({ fence, limited }) => ({
      fence,
      limited,
      outcome:
        b % 2 === 0
          ? ({ kind: 'released', begun: true } as const)
          : ({ kind: 'retrying', reason: 'error', error, delayMs: 0 } as const),
    }));
    if (batch.length > 0) await giveBack(rig.db, ghost.id, batch, []);
  },
  async cancel({ rig, accepted }, a) {
    const id = pick([...accepted], a);
    if (id !== undefined) await requestCancel(rig.db, id);
  },
  async redrive({ rig, accepted }, a) {
    const id = pick([...accepted], a);
    if (id !== undefined) await requeue(rig.db, id);
  },
  async kill({ rig }, a) {
    const ghost = rig.ghost(a);
    await rig.kill(ghost);
    await rig.hire(rig.ghosts.indexOf(ghost));
  },
  async rescue({ rig }) {
    await rescueJobs(rig.db, 3);
  },
  async promote({ rig }, a) {
    await promoteDue(rig.db, 1 + (a % 10));
  },
  async enforce({ rig }, a) {
    await enforceCancels(rig.db, a % 2 === 0 ? 0 : 3_600_000);
    await endOverdue(rig.db, a % 2 === 0 ? 0 : 3_600_000);
  },
  async heal({ rig }) {
    await healLimits(rig.db);
    await addUpTally(rig.db);
  },
  async limit({ rig }, a, b) {
    await setLimits(rig.db, 'queue', 'left', { maxRunning: b % 3 === 0 ? null : a % 4 });
    await setLimits(rig.db, 'task', 'a', { maxRunning: a % 3 === 0 ? null : b % 4 });
  },
  async pause({ rig }, a) {
    await pauseGate(rig.db, 'queue', 'right', a % 2 === 0);
  },
  async look({ rig, violations }) {
    for (const { message, passing } of await checkInvariants(rig.db)) if (!passing) violations.add(message);
  },
};

class Undone extends Error {}

export async function claim(rig: Rig, ghost: Ghost, limit: number, suspects: boolean): Promise<void> {
  const { id: workerId, queues, tasks, floor } = ghost;
  const answer = await claimJobs(rig.db, { workerId, queues, tasks, limit, suspects, floor });
  ghost.floor = answer.taken === limit ? answer.floor : null;
  if (answer.id === null) return;
  for (const [jobId, , attempt] of (answer.jobs ?? (await readClaim(rig.db, answer.id))).list) {
    const fence = { jobId, attempt, workerId, claimId: answer.id };
    ghost.held.push({ fence, limited: answer.limited, settled: false });
  }
}

export async function end({ rig, ended }: Traffic, ghost: Ghost, n: number, failed: boolean): Promise<void> {
  const error = { type: 'Error', message: 'no', retryable: false, attempt: 1 };
  const outcome = failed
    ? ({ kind: 'failed', reason: 'permanent_error', error } as const)
    : ({ kind: 'succeeded', resultJson: 'null' } as const);
  const batch = take(ghost, n).map(({ fence, limited }) => ({ fence, limited, outcome }));
  if (batch.length === 0) return;
  const held = await finish(rig.db, ghost.id, batch, []);
  for (const { fence } of batch) {
    if (held?.has(fence.jobId) ?? true) ended.push(`${fence.jobId} ${fence.attempt}`);
  }
}

function take(ghost: Ghost, n: number): Ghost['held'] {
  const open = ghost.held.filter(({ settled }) => !settled).slice(0, n);
  for (const held of open) held.settled = true;
  return open;
}

/** What one client does, one after the other. */
const script = fc.array(fc.tuple(fc.constantFrom(...names()), fc.nat(97), fc.nat(97)), {
  minLength: 10,
  maxLength: 25,
});

/** Claims and ends are most of it. */
function names(): string[] {
  const often = ['enqueue', 'enqueue', 'claim', 'claim', 'claim', 'claim', 'end', 'end', 'end', 'giveBack'];
  return [...Object.keys(operations), ...often];
}

/** Several clients at once. */
export const scripts = fc.array(script, { minLength: 6, maxLength: 8 });
