import { afterEach, beforeEach, expect, it } from 'vitest';
import { anyTask, type Gate, gate, Harness } from './testing/harness.js';

let held: Gate;
let harness: Harness;
beforeEach(async () => {
  held = gate();
  harness = await Harness.start([anyTask('t', () => held.passed), anyTask('idle', async () => null)]);
});
afterEach(async () => {
  held.open();
  await harness.stop();
});

const minute = 60_000;

/** As if it had become ready so many minutes ago. */
async function age(id: string, minutes: number): Promise<void> {
  await harness.db.database.query(
    'update signalbox.job set place = place - $2::bigint * 60000000 where id = $1',
    [id, minutes],
  );
}

async function oldest(task: string): Promise<number | null | undefined> {
  return (await harness.engine.jobs.lanes()).find((lane) => lane.task === task)?.oldestWaitingMs;
}

it('the oldest waiting job is found behind what runs, whatever its priority; later ones do not wait yet', async () => {
  const { engine } = harness;
  expect(await oldest('t')).toBeNull();
  const running = await engine.enqueue('t', null);
  await harness.worker({ concurrency: 1 });
  await harness.until(running.id, 'processing');
  await age(running.id, 9);
  await engine.enqueue('t', null, { runAt: new Date(Date.now() + 60 * minute) });
  expect(await oldest('t')).toBeNull();
  await engine.enqueue('t', null, { priority: -5 });
  const patient = await engine.enqueue('t', null, { priority: 7 });
  await age(patient.id, 4);
  const found = (await oldest('t')) ?? 0;
  expect(found).toBeGreaterThanOrEqual(4 * minute);
  expect(found).toBeLessThan(9 * minute);
  expect(await oldest('idle')).toBeNull();
  const [counts] = (await engine.jobs.lanes()).filter(({ task }) => task === 't');
  expect(counts?.counts).toMatchObject({ processing: 1, queued: 2, scheduled: 1, succeeded: 0 });
});

it('what is claimed is listed in that order, and what comes the soonest first', async () => {
  const { engine } = harness;
  const { id } = await engine.enqueue('t', { secret: true });
  const worker = await harness.worker({ concurrency: 1 });
  await harness.until(id, 'processing');
  expect(await engine.jobs.claimed(10)).toEqual([
    { id, task: 't', queue: 'default', workerId: worker.id, attempt: 1, claimedAt: expect.any(Date) },
  ]);
  const at = (minutes: number) => new Date(Date.now() + minutes * minute);
  const last = await engine.enqueue('t', null, { runAt: at(50) });
  const first = await engine.enqueue('idle', null, { runAt: at(20) });
  expect((await engine.jobs.coming(10)).map((job) => job.id)).toEqual([first.id, last.id]);
  expect(await engine.jobs.coming(1)).toEqual([
    { id: first.id, task: 'idle', queue: 'default', status: 'scheduled', attempt: 0, runAt: first.runAt },
  ]);
});
