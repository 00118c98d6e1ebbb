import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { signalbox } from './support/signalbox.js';

let db: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  db = await createTestDatabase({ migrate: false });
  const home = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  env = {
    DATABASE_URL: db.url,
    SIGNALBOX_HOME: home,
    PORT: '0',
    SIGNALBOX_TASKS: fileURLToPath(new URL('./tasks', import.meta.url)),
  };
});
afterAll(async () => {
  await db.drop();
  await rm(env.SIGNALBOX_HOME as string, { recursive: true });
});

async function json<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await signalbox([...args, '--json'], env);
  return JSON.parse(stdout || stderr) as T;
}

describe('the command line', () => {
  it('asks for the migrations it needs, runs them, and tells their state', async () => {
    const before = await signalbox(['jobs', 'list'], env);
    expect(before.code).toBe(1);
    expect(before.stderr).toContain('signalbox migrate up');
    const { ran } = await json<{ ran: string[] }>('migrate', 'up');
    expect(ran.length).toBeGreaterThan(0);
    expect(await json('migrate', 'status')).toMatchObject({ applied: ran, pending: [] });
    const { undone } = await json<{ undone: string[] }>('migrate', 'down');
    expect(undone).toEqual(ran.slice(-1));
    await json('migrate', 'up');
  });

  it('enqueues, lists, shows, explains, cancels and retries', async () => {
    const made = await json<{ id: string; status: string }>(
      'enqueue',
      'test.open',
      '--input',
      '{"text":"hi"}',
      '--tag',
      'a',
    );
    expect(made.status).toBe('queued');
    const listed = await json<{ id: string }[]>('jobs', 'list', '--status', 'queued', '--task', 'test.open');
    expect(listed.map(({ id }) => id)).toEqual([made.id]);
    expect(await json('jobs', 'show', made.id)).toMatchObject({ tags: ['a'], events: [{ type: 'queued' }] });
    const plain = await signalbox(['jobs', 'explain', made.id], env);
    expect(plain.stdout).toContain('No live worker serves queue "default".');
    expect(plain.stdout).toContain('signalbox start --worker --queues default');
    expect(await json('jobs', 'cancel', made.id)).toMatchObject({ status: 'cancelled' });
    expect(await json('jobs', 'retry', made.id)).toMatchObject({ status: 'queued' });
    expect(await json('jobs', 'logs', made.id)).toEqual([]);
    const pipe = await signalbox(['jobs', 'list'], env);
    expect(pipe.stdout.split('\n')[0]).toBe('id\tstatus\ttask\tqueue\tattempt\tcreated\ttook');
    expect(pipe.stdout).not.toContain('\u001b');
  });

  it.each([
    [['enqueue', 'test.open', '--input', '{"text":5,"more":1}'], 2, ['input.text', 'input.more']],
    [['enqueue', 'test.open', '--input', 'nonsense'], 2, ['JSON']],
    [['enqueue', 'no.task'], 2, ['no.task', 'test.open']],
    [['jobs', 'show', '0198c0de-0000-7000-8000-000000000000'], 2, ['no job']],
    [['jobs', 'list', '--limit', '0'], 2, ['1 to 200']],
    [['jobs', 'list', '--status', 'lost'], 2, ['queued']],
    [['nonsense'], 2, ['nonsense']],
    [['jobs', 'list', '--nonsense'], 2, ['--nonsense']],
  ])('%j ends with %i and says %j', async (args, code, words) => {
    const result = await signalbox(args, env);
    expect(result.code).toBe(code);
    for (const word of words) expect(result.stderr).toContain(word);
  });

  it.each([
    [[]],
    [['start']],
    [['jobs']],
    [['jobs', 'list']],
    [['migrate', 'up']],
    [['demo']],
    [['config']],
    [['doctor']],
    [['enqueue']],
    [['alerts']],
    [['alerts', 'list']],
    [['alerts', 'silence']],
    [['channels']],
    [['channels', 'test']],
  ])('%j --help helps', async (args) => {
    const { code, stdout } = await signalbox([...args, '--help'], env);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: signalbox');
  });
});
