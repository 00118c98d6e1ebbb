import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Receiver } from '../src/alerts/notifications/testing/receiver.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
const withinMs = 90_000;

/** A server and a worker of their own processes, and somebody who is told. */
class Scene {
  readonly db: TestDatabase;
  readonly receiver: Receiver;
  readonly env: Readonly<Record<string, string>>;
  readonly #started: SignalboxProcess[] = [];
  url = '';

  private constructor(db: TestDatabase, receiver: Receiver, env: Readonly<Record<string, string>>) {
    this.db = db;
    this.receiver = receiver;
    this.env = env;
  }

  static async open(more: Record<string, string> = {}): Promise<Scene> {
    const db = await createTestDatabase({ migrate: false });
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-scene-'));
    const receiver = await Receiver.start();
    const scene = new Scene(db, receiver, {
      DATABASE_URL: db.url,
      SIGNALBOX_HOME: folder,
      SIGNALBOX_TASKS: tasks,
      PORT: '0',
      ALERT_WEBHOOK_URL: receiver.url(),
      ALERT_WEBHOOK_SECRET: 'a secret that is long enough for it',
      ...more,
    });
    onTestFinished(async () => {
      await Promise.all(scene.#started.map((process) => process.stop('SIGKILL')));
      await receiver.stop();
      await db.drop();
      await rm(folder, { recursive: true });
    });
    const server = await scene.start('--server');
    scene.url = String((await server.running()).url);
    return scene;
  }

  async start(role: '--server' | '--worker'): Promise<SignalboxProcess> {
    const process = new SignalboxProcess(['start', role], { env: this.env });
    this.#started.push(process);
    await process.running();
    return process;
  }

  async enqueue(task: string, input: object): Promise<string> {
    const run = await signalbox(['enqueue', task, '--input', JSON.stringify(input), '--json'], this.env);
    expect(run.code, run.stderr).toBe(0);
    return (JSON.parse(run.stdout) as { id: string }).id;
  }

  /** By HTTP, which is quicker than a process for each. */
  async post(task: string, input: object): Promise<void> {
    const response = await fetch(`${this.url}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task, input }),
    });
    expect(response.status).toBe(202);
  }

  get told(): string[] {
    return this.receiver.received.flatMap(({ body }) =>
      JSON.parse(body).notices.map(({ rule, kind }: { rule: string; kind: string }) => `${rule} ${kind}`),
    );
  }

  async heard(notice: string): Promise<void> {
    await this.receiver
      .until(() => this.told.includes(notice), withinMs)
      .catch(async (error: unknown) => {
        const states = (await this.states()).join(', ');
        throw new Error(`${notice} did not come, but: ${this.told.join(', ')}; there is: ${states}`, {
          cause: error,
        });
      });
  }

  async states(): Promise<string[]> {
    const answer = (await (await fetch(`${this.url}/api/v1/alerts`)).json()) as {
      items: { rule: string; state: string }[];
    };
    return answer.items.map(({ rule, state }) => `${rule} ${state}`).sort();
  }

  /** Asks the server until its alerts are so. */
  async shows(held: (states: readonly string[]) => boolean): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (let states = await this.states(); !held(states); states = await this.states()) {
      if (performance.now() > deadline) throw new Error(`there is still: ${states.join(', ')}`);
      await this.db.database.query('select pg_sleep(0.3)');
    }
  }

  /** Makes a pending alert as old as it has to be: nobody waits five minutes to see what five minutes do. */
  async passTime(rule: string): Promise<void> {
    await this.shows((states) => states.includes(`${rule} pending`));
    await this.db.database.query(
      `update signalbox.alert set since = since - interval '10 minutes' where rule = $1 and state = 'pending'`,
      [rule],
    );
  }
}

it.concurrent('a worker that hangs is told as a lost process, and as nothing else', async () => {
  const scene = await Scene.open();
  const worker = await scene.start('--worker');
  await scene.enqueue('test.open', { text: 'before' });
  worker.kill('SIGSTOP');
  await scene.heard('ProcessLost firing');
  worker.kill('SIGCONT');
  await scene.heard('ProcessLost resolved');
  expect(scene.told).toEqual(['ProcessLost firing', 'ProcessLost resolved']);
}, 240_000);

it.concurrent('a queue that fills behind a busy worker is told as deep, and as nothing else', async () => {
  const scene = await Scene.open({ SIGNALBOX_CONCURRENCY: '1' });
  const worker = await scene.start('--worker');
  const file = join(scene.env.SIGNALBOX_HOME ?? '', 'effects');
  await scene.enqueue('test.slow', { file, ms: 600_000 });
  for (let n = 0; n < 52; n += 1) await scene.post('test.open', { text: `${n}` });
  await scene.passTime('QueueDeep');
  await scene.heard('QueueDeep firing');
  expect(scene.told).toEqual(['QueueDeep firing']);
  // Its first attempt alone is slow: whoever rescues the job goes on with the others.
  await worker.stop('SIGKILL');
  await scene.start('--worker');
  await scene.heard('QueueDeep resolved');
}, 240_000);

it.concurrent('a task that fails is told by its failures, and by nothing of the machine', async () => {
  const scene = await Scene.open();
  await scene.start('--worker');
  for (let n = 0; n < 24; n += 1) await scene.post('test.fail', {});
  await scene.passTime('JobsFailing');
  await scene.heard('JobsFailing firing');
  const ofJobs = ['JobsFailing firing', 'SuccessLow firing', 'BudgetBurn firing', 'BudgetSlowBurn firing'];
  expect(scene.told.filter((notice) => !ofJobs.includes(notice))).toEqual([]);
}, 240_000);

it.concurrent('a route that is slow is told as slow, and as nothing else', async () => {
  const scene = await Scene.open();
  await scene.start('--worker');
  const id = await scene.enqueue('test.open', { text: 'slow to read' });
  const logs = `${scene.url}/jobs/${id}/logs`;
  for (let n = 0; n < 6; n += 1) {
    const slow = await scene.db.database.transaction(async (tx) => {
      await tx.query('lock table signalbox.job_log in access exclusive mode');
      const asked = Array.from({ length: 4 }, () => fetch(logs));
      await tx.query('select pg_sleep(2.3)');
      return asked;
    });
    for (const answer of await Promise.all(slow)) expect(answer.status).toBe(200);
  }
  await scene.passTime('HttpSlow');
  await scene.heard('HttpSlow firing');
  expect(scene.told).toEqual(['HttpSlow firing']);
}, 240_000);

it.concurrent('a channel that is dead is told where it can be, and what it should have told too', async () => {
  const scene = await Scene.open();
  const worker = await scene.start('--worker');
  scene.receiver.behaviour = { do: 'refuse', status: 500 };
  worker.kill('SIGSTOP');
  await scene.shows((states) => states.includes('ProcessLost firing'));
  await scene.passTime('NotificationsFailing');
  await scene.shows((states) => states.join() === 'NotificationsFailing firing,ProcessLost firing');
  scene.receiver.behaviour = { do: 'take' };
  worker.kill('SIGCONT');
  await scene.heard('ProcessLost resolved');
  await scene.heard('NotificationsFailing resolved');
}, 240_000);
