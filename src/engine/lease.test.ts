import { once } from 'node:events';
import { Worker as Thread } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { rescueJobs } from './sql/rescue.js';
import { anyTask, Harness } from './testing/harness.js';
import { blockFor, HeldLease, type HeldLeaseOptions } from './testing/held-lease.js';

const leaseMs = 1_500;

let held: HeldLease | undefined;
afterEach(async () => {
  await held?.stop();
  held = undefined;
});

async function hold(options: HeldLeaseOptions): Promise<HeldLease> {
  held = await HeldLease.start(options);
  return held;
}

/** A heartbeat connection other than these is there, and renews. */
async function renewsAnew(h: HeldLease, old: readonly number[]): Promise<void> {
  await h.until(async () => (await h.backends()).some((pid) => !old.includes(pid)), 'a new connection');
  await staysWhileBlocked(h);
}

/** Twice the lease in which the main thread can do nothing for it. */
async function staysWhileBlocked(h: HeldLease, losses = 0): Promise<void> {
  const { id } = h;
  blockFor(leaseMs * 2);
  expect(await h.state(id)).toMatchObject({ valid: true });
  expect(h.lease.workerId).toBe(id);
  expect(h.losses).toBe(losses);
}

/** Somebody, thread or main thread, renews once more. */
async function renewsOnce(h: HeldLease, id: string): Promise<void> {
  const since = (await h.state(id))?.heartbeatAt;
  await h.until(
    async () => (await h.state(id))?.heartbeatAt.getTime() !== since?.getTime(),
    'one more renewal',
  );
}

describe('a main thread that is blocked for longer than the lease', () => {
  it('keeps the lease, also when its timers fire late and again afterwards', async () => {
    const h = await hold({ leaseMs });
    const { id, db } = h;
    blockFor(4_000);
    expect(await h.state(id)).toMatchObject({ valid: true });
    // Every timer that became due meanwhile has fired once the pool answered; the next block is as harmless.
    await db.database.query('select 1');
    blockFor(4_000);
    expect(await h.state(id)).toMatchObject({ valid: true });
    expect(h.id).toBe(id);
    expect(h.losses).toBe(0);
  });

  it('keeps the job of the handler that blocks it', async () => {
    const work: { harness?: Harness } = {};
    const block = anyTask('block', async (_input, { job }) => {
      blockFor(4_000);
      const rescued = work.harness ? await rescueJobs(work.harness.db.database, 3) : undefined;
      return { attempt: job.attempt, rescued };
    });
    const harness = await Harness.start([block]);
    work.harness = harness;
    try {
      const worker = await harness.worker({ leaseMs });
      const before = worker.id;
      const { id } = await harness.engine.enqueue(block, {});
      expect(await harness.until(id, 'succeeded')).toMatchObject({
        attempt: 1,
        crashes: 0,
        result: { attempt: 1, rescued: [] },
      });
      expect(worker.id).toBe(before);
      expect(worker.lateOutcomes).toBe(0);
    } finally {
      await harness.stop();
    }
  });
});

describe('a heartbeat', () => {
  it('comes back after its connection was ended', async () => {
    const h = await hold({ leaseMs });
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    const old = await h.backends();
    await h.db.database.query('select pg_terminate_backend(pid) from unnest($1::integer[]) pid', [old]);
    await renewsAnew(h, old);
    expect(h.threads).toHaveLength(1);
  });

  it('comes back after its line was cut for less than the lease', async () => {
    const h = await hold({ leaseMs: 6_000, overLine: true });
    const { id } = h;
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    const old = await h.backends();
    h.line.refuse();
    await h.until(async () => (await h.backends()).length === 0, 'no connection');
    h.line.restore();
    await h.until(async () => (await h.backends()).some((pid) => !old.includes(pid)), 'a new connection');
    await renewsOnce(h, id);
    expect(h.id).toBe(id);
    expect(h.losses).toBe(0);
  });

  it('survives the death of its thread, of an error or of no reason', async () => {
    const h = await hold({ leaseMs });
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    await h.threads[0]?.terminate();
    await h.until(() => h.threads.length === 2, 'a second thread');
    await staysWhileBlocked(h);
    // No such command: the thread throws where nobody catches.
    h.threads[1]?.postMessage(null);
    await h.until(() => h.threads.length === 3, 'a third thread');
    await staysWhileBlocked(h);
    expect(h.log.filter((line) => line.startsWith('no heartbeat thread'))).toHaveLength(2);
  });

  it.each([
    [
      'the system gives no thread',
      () => {
        throw new Error('no thread for you');
      },
    ],
    ['its program ends at once', () => new Thread('throw new Error("broken")', { eval: true })],
  ])('is done by the main thread when %s', async (_why, startThread) => {
    const h = await hold({ leaseMs, startThread });
    const { id } = h;
    for (let renewals = 0; renewals < 8; renewals += 1) {
      await renewsOnce(h, id);
    }
    expect(h.id).toBe(id);
    expect(h.losses).toBe(0);
    expect(h.log.some((line) => line.startsWith('no heartbeat thread'))).toBe(true);
    expect(h.log).toContain('the main thread renewed the lease');
  });

  it('leaves neither thread nor connection nor row behind', async () => {
    const h = await hold({ leaseMs });
    const { id } = h;
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    const exits = h.threads.map((thread) => once(thread, 'exit'));
    await h.lease.stop();
    expect(await Promise.all(exits)).toEqual([[0]]);
    await h.until(async () => (await h.backends()).length === 0, 'no connection');
    expect(await h.state(id)).toBeUndefined();
    expect(h.lease.workerId).toBeUndefined();
    expect(h.losses).toBe(0);
    await h.lease.stop();
  });

  it('stops also when the database answers nothing any more', async () => {
    const h = await hold({ leaseMs, overLine: true });
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    const exits = h.threads.map((thread) => once(thread, 'exit'));
    h.line.silence();
    // The row cannot be removed then; whoever stops is told.
    const stopping = h.lease.stop().catch(() => 'refused');
    await Promise.all(exits);
    h.line.refuse();
    expect(await stopping).toBe('refused');
  });
});

describe('a lease that has ended in the database', () => {
  it.each([
    ['deleted', 'delete from signalbox.worker where id = $1'],
    ['expired', `update signalbox.worker set lease_expires_at = now() - interval '1 second' where id = $1`],
  ])('is lost once when its row is %s, never renewed, and followed by a new one', async (_how, sql) => {
    const h = await hold({ leaseMs });
    const { id } = h;
    const idsWhenLost: (string | undefined)[] = [];
    h.whenLost = () => idsWhenLost.push(h.lease.workerId);
    await h.db.database.query(sql, [id]);
    await h.until(() => h.lease.workerId !== undefined && h.lease.workerId !== id, 'a new incarnation');
    expect(idsWhenLost).toEqual([undefined]);
    expect((await h.state(id))?.valid ?? false).toBe(false);
    // The new incarnation is the thread's as the old one was.
    await staysWhileBlocked(h, 1);
    expect((await h.state(id))?.valid ?? false).toBe(false);
    expect(h.threads).toHaveLength(1);
  });
});

describe('a database out of reach', () => {
  it.each(['refuse', 'silence'] as const)('ends the lease before the database does (%s)', async (how) => {
    const h = await hold({ leaseMs: 3_000, overLine: true });
    const { id } = h;
    await h.until(async () => (await h.backends()).length === 1, 'a connection');
    const lost = new Promise<void>((resolve) => {
      h.whenLost = resolve;
    });
    h.line[how]();
    await lost;
    expect(h.lease.workerId).toBeUndefined();
    expect(await h.state(id)).toMatchObject({ valid: true });
    if (how === 'silence') h.line.refuse();
    h.line.restore();
    await h.until(() => h.lease.workerId !== undefined, 'a new incarnation');
    expect(h.id).not.toBe(id);
    expect(h.losses).toBe(1);
    // The thread is at the new one, and lets the old one end.
    await h.until(async () => (await h.state(id))?.valid === false, 'the end of the old lease');
    expect(await h.state(h.id)).toMatchObject({ valid: true });
  });
});
