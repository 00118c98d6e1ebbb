import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { alertRules } from '../src/app/modules.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { hasPrometheus, Prometheus } from './support/prometheus.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
/** The promise: whatever is accepted and not done is told within a minute. */
const promisedMs = 60_000;

let db: TestDatabase;
let folder: string;
let env: Record<string, string>;
let receiver: Server;
/** What the webhook got, in the order of its arrival. */
let got: string[];
const started: SignalboxProcess[] = [];
let prometheus: Prometheus | undefined;

beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  folder = await mkdtemp(join(tmpdir(), 'signalbox-alerts-'));
  got = [];
  receiver = createServer(async (request, response) => {
    const { notices } = (await json(request)) as { notices: { kind: string; rule: string }[] };
    for (const { kind, rule } of notices) got.push(`${rule} ${kind}`);
    response.end();
    receiver.emit('got');
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  env = {
    DATABASE_URL: db.url,
    SIGNALBOX_HOME: folder,
    SIGNALBOX_TASKS: tasks,
    PORT: '0',
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    ALERT_WEBHOOK_SECRET: 'a secret that is long enough for it',
  };
});
afterEach(async () => {
  await prometheus?.stop();
  await Promise.all(started.splice(0).map((process) => process.stop()));
  receiver.closeAllConnections();
  receiver.close();
  await db.drop();
  await rm(folder, { recursive: true });
});

async function start(role: '--server' | '--worker') {
  const process = new SignalboxProcess(['start', role], { env });
  started.push(process);
  return { process, line: await process.running() };
}

async function alerts(
  url: string,
  path: string,
): Promise<readonly { name: string; rule: string; state: string }[]> {
  const answer = (await (await fetch(`${url}/api/v1/alerts${path}`)).json()) as { items: [] };
  return answer.items;
}

async function delivered(notice: string): Promise<void> {
  while (!got.includes(notice)) await once(receiver, 'got', { signal: AbortSignal.timeout(promisedMs) });
}

/** Asks until the alert is there or not. @returns how long that took, milliseconds */
async function askUntil(url: string, firing: boolean): Promise<number> {
  const since = performance.now();
  for (;;) {
    const states = (await alerts(url, '')).map(({ rule, state }) => `${rule} ${state}`);
    if (states.includes('NoLiveWorkers firing') === firing) return performance.now() - since;
    await db.database.query('select pg_sleep(0.2)');
  }
}

/** The same in Prometheus, where there is one. */
async function seenByPrometheus(firing: boolean): Promise<void> {
  while (prometheus !== undefined) {
    const names = await prometheus.alerts('firing');
    expect(names.filter((name) => name !== 'NoLiveWorkers')).toEqual([]);
    if (names.includes('NoLiveWorkers') === firing) return;
    await db.database.query('select pg_sleep(0.2)');
  }
}

it('tells of work that nobody does within a minute, by webhook too, and that it is over', async () => {
  const { process, line } = await start('--server');
  const url = String(line.url);
  if (hasPrometheus) prometheus = await Prometheus.start(url);
  const rules = await alerts(url, '/rules');
  expect(rules.map(({ name }) => name)).toEqual(alertRules.map(({ name }) => name));
  const since = performance.now();
  const enqueued = await signalbox(['enqueue', 'test.open', '--input', '{"text":"hello"}', '--json'], env);
  expect(enqueued.code).toBe(0);
  expect(await askUntil(url, true)).toBeLessThan(promisedMs);
  const work = await fetch(`${url}/health/work`);
  expect(work.status).toBe(503);
  expect(await work.json()).toMatchObject({ status: 'unhealthy', findings: [{ code: 'no_live_worker' }] });
  await process.line(({ alert, level }) => alert === 'NoLiveWorkers' && level === 'warn');
  await delivered('NoLiveWorkers firing');
  await seenByPrometheus(true);
  expect(performance.now() - since).toBeLessThan(promisedMs);

  await start('--worker');
  expect(await askUntil(url, false)).toBeLessThan(promisedMs);
  expect((await fetch(`${url}/health/work`)).status).toBe(200);
  await process.line(({ alert, level }) => alert === 'NoLiveWorkers' && level === 'info');
  await delivered('NoLiveWorkers resolved');
  await seenByPrometheus(false);
  expect(await alerts(url, '/history')).toMatchObject([
    { rule: 'NoLiveWorkers', state: 'resolved', labels: { queue: 'default' } },
  ]);
}, 180_000);
