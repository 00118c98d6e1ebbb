import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../src/cli/demo/free-port.js';
import { migrateUp } from '../src/database/migrations.js';
import {
  allMigrations,
  createTestDatabase,
  type TestDatabase,
} from '../src/database/testing/test-database.js';
import { silentLogger } from '../src/foundation/logger.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

interface Check {
  readonly check: string;
  readonly result: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
}

let db: TestDatabase;
let env: Record<string, string>;
let started: SignalboxProcess | undefined;
beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  env = {
    DATABASE_URL: db.url,
    SIGNALBOX_HOME: await mkdtemp(join(tmpdir(), 'signalbox-doctor-')),
    PORT: '0',
  };
});
afterEach(async () => {
  await started?.stop();
  started = undefined;
  await db.drop();
  await rm(env.SIGNALBOX_HOME as string, { recursive: true });
});

async function migrate(): Promise<void> {
  await migrateUp({ connection: db.connection, folders: allMigrations, logger: silentLogger });
}

async function doctor(more: Record<string, string> = {}) {
  const { code, stdout, stderr } = await signalbox(['doctor', '--json'], { ...env, ...more });
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  const named = new Map(checks.map((check) => [check.check, check]));
  return { code, ok, checks, named, stdout, stderr };
}

describe('the doctor', () => {
  it('finds a running system healthy', async () => {
    const port = String(await freePort('127.0.0.1', 8_000));
    started = new SignalboxProcess(['start', '--json'], { env: { ...env, PORT: port } });
    await started.running();
    while ((await db.database.query('select 1 from signalbox.leader')).rowCount === 0) {
      await db.database.query('select pg_sleep(0.05)');
    }
    const { code, ok, checks, named } = await doctor({ PORT: port });
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    expect([...named.keys()]).toEqual([
      'Node.js',
      'database',
      'migrations',
      'leader',
      'workers',
      'work',
      'invariants',
      'disk',
      'port',
    ]);
    expect(named.get('workers')?.detail).toBe('1 live, 0 jobs in 4 slots');
    expect(named.get('port')?.detail).toContain('Signalbox answers');
  });

  it('says what to do when nothing runs, in plain lines in a pipe', async () => {
    await migrate();
    await db.database.query(`insert into signalbox.lane (queue, task) values ('mail', 'mail.send')`);
    await db.database.query(
      `with made as (
         insert into signalbox.job (id, lane_id, priority, place, max_attempts, timeout_ms, input)
         select '0198c0de-0000-7000-8000-000000000001', id, 0, 1, 1, 1000, '{}' from signalbox.lane returning lane_id)
       insert into signalbox.tally (lane_id, live) select lane_id, 1 from made`,
    );
    const { code, ok, named } = await doctor();
    expect([code, ok]).toEqual([1, false]);
    expect(named.get('leader')).toMatchObject({ result: 'finding', remedy: 'signalbox start' });
    expect(named.get('workers')).toMatchObject({ result: 'finding', ok: false });
    expect(named.get('work')).toMatchObject({
      detail: expect.stringContaining('1 job is waiting in queue "mail"'),
      remedy: 'signalbox start --worker --queues mail',
    });
    for (const check of ['Node.js', 'database', 'migrations', 'invariants', 'disk', 'port']) {
      expect(named.get(check), check).toMatchObject({ result: 'ok' });
    }
    const pipe = await signalbox(['doctor'], env);
    expect(pipe.code).toBe(1);
    expect(pipe.stdout.split('\n')[0]).toBe('check\tresult\tdetail\twhat to do');
    expect(pipe.stdout).toContain('signalbox start --worker --queues mail\n');
    expect(pipe.stdout).not.toContain('\u001b');
  });

  it('asks for the migrations, and says nothing of what they would make', async () => {
    const { code, checks, named } = await doctor();
    expect(code).toBe(1);
    expect(named.get('migrations')).toMatchObject({ result: 'finding', remedy: 'signalbox migrate up' });
    expect(checks.map(({ check }) => check)).toEqual(['Node.js', 'database', 'migrations', 'disk', 'port']);
  });

  it('sees what must never be', async () => {
    await migrate();
    const id = '0198c0de-0000-7000-8000-000000000001';
    await db.database.query(`insert into signalbox.lane (queue, task) values ('default', 'work')`);
    for (const table of ['job', 'finished']) {
      const [column, value] = table === 'job' ? ['', ''] : [', status', `, 'succeeded'`];
      await db.database.query(
        `insert into signalbox.${table} (id, lane_id, priority, place, max_attempts, timeout_ms, input${column})
         select '${id}', id, 0, 1, 1, 1000, '{}'${value} from signalbox.lane`,
      );
    }
    await db.database.query(
      `insert into signalbox.claim (worker_id, claimed_at, job_ids, runs)
       values (gen_random_uuid(), now() - interval '16 seconds', array['${id}'::uuid], array[0])`,
    );
    await db.database.query(
      `insert into signalbox.slot (limiter, job_id) values ('queue:default', gen_random_uuid())`,
    );
    const { code, checks } = await doctor();
    expect(code).toBe(1);
    const found = checks.filter(({ check }) => check.startsWith('invariant '));
    const codes = ['job_in_two_places', 'slot_unused', 'tally_wrong', 'worker_dead'];
    expect(found.map(({ check }) => check)).toEqual(
      expect.arrayContaining(codes.map((code) => `invariant ${code}`)),
    );
    for (const { remedy } of found) expect(remedy).toBeTruthy();
  });

  it('cannot check what does not answer, and tells no password', async () => {
    const sick = { SIGNALBOX_DATABASE_WAIT: '0', DATABASE_URL: 'postgres://u:pw@127.0.0.1:1/x' };
    const { code, ok, named, stdout, stderr } = await doctor(sick);
    expect([code, ok]).toEqual([2, false]);
    expect(named.get('database')).toMatchObject({ result: 'unchecked', ok: false });
    expect(named.get('disk')).toMatchObject({ result: 'ok' });
    expect(`${stdout}${stderr}`).not.toContain('pw');
  });

  it('cannot check what a broken schema hides', async () => {
    await migrate();
    await db.database.query('drop table signalbox.leader');
    const { code, named } = await doctor();
    expect(code).toBe(2);
    expect(named.get('leader')).toMatchObject({ result: 'unchecked' });
    expect(named.get('invariants')).toMatchObject({ result: 'ok' });
  });
});
