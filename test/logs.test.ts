import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { LokiReceiver } from '../src/telemetry/logs/loki/testing/loki-receiver.js';
import { SignalboxProcess } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
const apiKey = 'the-key-of-this-very-house-1';
let home: TemporaryHome;
let db: TestDatabase;
let loki: LokiReceiver;
let running: SignalboxProcess | undefined;

beforeEach(async () => {
  [home, db, loki] = await Promise.all([
    temporaryHome(),
    createTestDatabase({ migrate: false }),
    LokiReceiver.start(),
  ]);
});
afterEach(async () => {
  await running?.stop('SIGKILL');
  await db.drop();
  await Promise.all([home.remove(), loki.stop()]);
});

async function start(env: Record<string, string> = {}): Promise<string> {
  running = new SignalboxProcess(['start'], {
    env: {
      SIGNALBOX_HOME: home.path,
      DATABASE_URL: db.url,
      PORT: '0',
      SIGNALBOX_TASKS: tasks,
      SIGNALBOX_API_KEY: apiKey,
      LOKI_URL: loki.url,
      ...env,
    },
  });
  return String((await running.running()).url);
}

/** @returns the id of the job that talks */
async function talk(url: string, input: object): Promise<string> {
  const answer = await fetch(`${url}/jobs`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'x-request-id': 'r-1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    },
    body: JSON.stringify({ task: 'test.talk', input }),
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

describe('the log of a process', () => {
  it('says what each line is about, hides secrets, and comes to Loki as it is written', async () => {
    const url = await start({ ENVIRONMENT: 'staging' });
    const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz012345';
    const id = await talk(url, { text: `said ${secret} and ${apiKey}`, times: 2 });
    const process = running as SignalboxProcess;
    const heard = await process.line(({ msg, data }) => msg.startsWith('said') && data !== undefined);
    const { worker } = await process.running();
    expect(heard).toMatchObject({
      level: 'info',
      msg: 'said sk-(hidden) and (hidden)',
      job_id: id,
      task: 'test.talk',
      queue: 'default',
      attempt: 1,
      worker,
    });
    expect(await process.line(({ request_id }) => request_id === 'r-1')).toMatchObject({
      msg: 'answered',
      route: '/jobs',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      span_id: '00f067aa0ba902b7',
    });
    expect(await process.stop()).toBe(0);
    expect(process.stdout).not.toContain(secret);
    expect(process.stdout).not.toContain(apiKey);

    // Each level is a stream of its own; time puts them together again.
    const pushed = [...loki.lines].sort((a, b) => (BigInt(a.at) < BigInt(b.at) ? -1 : 1));
    expect(pushed.map(({ line }) => line)).toEqual(process.lines);
    for (const { labels, line } of loki.lines) {
      expect(labels).toEqual({ service: 'signalbox', environment: 'staging', level: line.level });
    }
    expect(pushed.at(-1)?.line.msg).toBe('stopped');
  });

  it('is not flooded by a handler, and says what is missing', async () => {
    const url = await start({ LOG_RATE_JOB: '1' });
    await talk(url, { text: 'again and again', times: 10_000 });
    const process = running as SignalboxProcess;
    const told = await process.line(({ left_out }) => left_out !== undefined);
    const lines = process.lines.filter(({ msg }) => msg === 'again and again').length;
    expect(lines).toBeLessThan(1_000);
    expect(told).toMatchObject({ level: 'warn', task: 'test.talk', left_out: 10_000 - lines });
  });

  it('is written and ends in time whether or not Loki answers', async () => {
    loki.answer = () => undefined;
    const url = await start();
    await talk(url, { text: 'to nobody', times: 1 });
    const process = running as SignalboxProcess;
    await process.line(({ msg }) => msg === 'to nobody');
    await loki.until(() => loki.pushes > 0);
    const started = performance.now();
    expect(await process.stop()).toBe(0);
    // A push alone has 10 s, and eight tries.
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(process.lines.some(({ msg }) => msg === 'stopped')).toBe(true);
    expect(process.lines.at(-1)).toMatchObject({
      level: 'warn',
      msg: 'log lines do not reach Loki and were dropped',
    });
  });
});
