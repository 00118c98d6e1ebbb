import fc from 'fast-check';
import { expect } from 'vitest';
import { type Brief, claimJobs, readClaim } from '../../../sql/claim.js';
import { type ClaimCase, checkNothingLeft, checkOrder, isOffered } from '../claim-rules.js';
import { command } from '../command.js';
import type { Model } from '../model.js';
import type { Rig } from '../rig.js';

interface Args {
  readonly post: number;
  readonly limit: number;
  readonly suspects: boolean;
  /** Goes on from where the last claim ended. */
  readonly onward: boolean;
  /** The worker never hears of it, as when the connection breaks on the way back. */
  readonly unheard: boolean;
}

const claim = command<Args>('claim', async ({ post, limit, suspects, onward, unheard }, model, rig) => {
  const ghost = rig.ghost(post);
  const rules: ClaimCase = { ghost, limit, suspects, floor: onward ? ghost.floor : null };
  const { queues, tasks } = ghost;
  const wish = { workerId: ghost.id, queues, tasks, limit, suspects, floor: rules.floor };
  const result = await claimJobs(rig.db, wish);
  expect(result.lost).toBe(ghost.state !== 'live');
  ghost.floor = result.floor;
  const briefs = result.id === null ? [] : (result.jobs ?? (await readClaim(rig.db, result.id))).list;
  expect(briefs).toHaveLength(result.taken);
  expect(result.taken).toBeLessThanOrEqual(limit);
  if (result.lost) return;
  const ids = briefs.map(([id]) => id);
  const before = model.jobs.map((job) => ({ ...job }));
  const held = await heldJobs(rig);
  for (const job of model.jobs) job.held = held.has(job.id);
  checkOrder(model, before, ids, rules, result.again);
  for (const brief of briefs) start(model, brief, rules, result.id ?? '');
  if (!unheard) {
    for (const [jobId, , attempt] of briefs) {
      const fence = { jobId, attempt, workerId: ghost.id, claimId: result.id ?? '' };
      ghost.held.push({ fence, limited: result.limited, settled: false });
    }
  }
  checkNothingLeft(model, rules, result);
});

function start(
  model: Model,
  [id, , attempt, failures, crashes]: Brief,
  rules: ClaimCase,
  claimId: string,
): void {
  const job = model.get(id);
  expect(isOffered(job, rules), `job ${id} could not be claimed`).toBe(true);
  expect(model.fits(job), `the limits of job ${id} had no room`).toBe(true);
  const told = { attempt: job.runs + 1, failures: job.failures, crashes: job.crashes };
  expect({ attempt, failures, crashes }).toEqual(told);
  model.start(job, { id: claimId, workerId: rules.ghost.id });
}

/** Which jobs wait for their key is the database's own affair; the invariants say whether they do so rightly. */
async function heldJobs(rig: Rig): Promise<ReadonlySet<string>> {
  const sql = `select id from signalbox.job where hold = 'limited'`;
  return new Set((await rig.db.query<{ id: string }>(sql)).rows.map(({ id }) => id));
}

function oneIn(n: number): fc.Arbitrary<boolean> {
  return fc.nat(n - 1).map((at) => at === n - 1);
}

const claims = fc
  .record({
    post: fc.nat(2),
    limit: fc.integer({ min: 1, max: 6 }),
    suspects: oneIn(4).map((not) => !not),
    onward: oneIn(4),
    unheard: oneIn(6),
  })
  .map(claim);

/** Most of a worker's life. */
export const claimCommands = [claims, claims, claims, claims, claims, claims];
