import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
let db: TestDatabase;
let folder: string;
let env: Record<string, string>;
const started: SignalboxProcess[] = [];

beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  folder = await mkdtemp(join(tmpdir(), 'signalbox-kill-'));
  env = { DATABASE_URL: db.url, SIGNALBOX_HOME: folder, SIGNALBOX_TASKS: tasks };
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop()));
  await db.drop();
  await rm(folder, { recursive: true });
});

function worker(): SignalboxProcess {
  const process = new SignalboxProcess(['start', '--worker', '--queues', 'default'], { env });
  started.push(process);
  return process;
}

async function effects(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
}

async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await what();
    if (found !== undefined) return found;
    await db.database.query('select pg_sleep(0.05)');
  }
}

async function jobStatus(
  id: string,
): Promise<{ status: string; crashes: number; result: unknown } | undefined> {
  const text = `select status, crashes, result from signalbox.jobs where id = $1`;
  return (await db.database.query<{ status: string; crashes: number; result: unknown }>(text, [id])).rows[0];
}

it('a job survives kill -9 of its worker, finishes once, and within the promised time', async () => {
  const file = join(folder, 'effects');
  const first = worker();
  await first.running();
  const input = JSON.stringify({ file, ms: 600_000 });
  const enqueued = await signalbox(['enqueue', 'test.slow', '--input', input, '--json'], env);
  const { id } = JSON.parse(enqueued.stdout) as { id: string };
  await until(async () => ((await effects(file)).length === 1 ? true : undefined));

  const second = worker();
  await second.running();
  first.kill('SIGKILL');
  const killed = performance.now();
  await until(async () => ((await effects(file)).length > 1 ? true : undefined));
  const rescuedMs = performance.now() - killed;
  expect(rescuedMs).toBeLessThan(15_000);

  await until(async () => ((await jobStatus(id))?.status === 'succeeded' ? true : undefined));
  expect(await jobStatus(id)).toMatchObject({ crashes: 1, result: { attempt: 2 } });
  expect(await effects(file)).toEqual([
    `start ${id} 1 ${first.pid}`,
    `start ${id} 2 ${second.pid}`,
    `end ${id} 2 ${second.pid}`,
  ]);
  const explained = await signalbox(['jobs', 'explain', id], env);
  expect(explained.stdout).toContain('It succeeded in attempt 2.');
});

it('SIGTERM lets a job finish, and gives back what does not finish in time', async () => {
  const file = join(folder, 'effects');
  env.SIGNALBOX_DRAIN_TIMEOUT = '100ms';
  const first = worker();
  await first.running();
  const input = JSON.stringify({ file, ms: 600_000 });
  const enqueued = await signalbox(['enqueue', 'test.slow', '--input', input, '--json'], env);
  const { id } = JSON.parse(enqueued.stdout) as { id: string };
  await until(async () => ((await effects(file)).length === 1 ? true : undefined));
  expect(await first.stop('SIGTERM')).toBe(0);
  expect(await jobStatus(id)).toMatchObject({ status: 'queued', crashes: 0 });
  await worker().running();
  await until(async () => ((await jobStatus(id))?.status === 'succeeded' ? true : undefined));
  expect(await jobStatus(id)).toMatchObject({ crashes: 0, result: { attempt: 2 } });
});
