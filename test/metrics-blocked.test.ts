import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { Engine } from '../src/engine/engine.js';
import { type Task, task } from '../src/engine/task.js';
import { silentLogger as logger } from '../src/foundation/logger.js';
import {
  type ParsedFamily,
  parseExposition,
  sampleValue,
} from '../src/telemetry/metrics/testing/exposition.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks/blocking', import.meta.url));
const blockMs = 10_000;

let db: TestDatabase | undefined;
let home: TemporaryHome | undefined;
let worker: SignalboxProcess | undefined;
afterEach(async () => {
  worker?.kill('SIGKILL');
  await worker?.exited;
  await db?.drop();
  await home?.remove();
  worker = undefined;
  db = undefined;
  home = undefined;
});

async function scrape(url: string): Promise<{ ms: number; text: Map<string, ParsedFamily> }> {
  const begun = performance.now();
  const answer = await fetch(url);
  const text = parseExposition(await answer.text(), 'prometheus');
  return { ms: performance.now() - begun, text };
}

it('a worker whose loop is blocked for ten seconds is scraped all the same, and it shows', async () => {
  db = await createTestDatabase();
  home = await temporaryHome();
  worker = new SignalboxProcess(['start', '--worker'], {
    env: { SIGNALBOX_HOME: home.path, DATABASE_URL: db.url, SIGNALBOX_TASKS: tasks, METRICS_PORT: '0' },
  });
  const { metrics, url: server } = await worker.running();
  const url = String(metrics);
  expect(server).toBeUndefined();
  const before = await scrape(url);
  expect(sampleValue(before.text, 'signalbox_main_loop_unresponsive_seconds')).toBeLessThan(5);
  expect(sampleValue(before.text, 'signalbox_build_info')).toBe(1);

  const input = z.strictObject({ ms: z.number() });
  const block = task({ name: 'test.block', input, run: async () => null }) as unknown as Task;
  const engine = new Engine({ database: db.database, tasks: [block], logger });
  await engine.enqueue(block, { ms: blockMs });
  const answers: number[] = [];
  let silent = 0;
  let age = 0;
  let lag = 0;
  /** Of the seconds before each scrape alone: the highest seen is the block. */
  const worst = (text: Map<string, ParsedFamily>) =>
    Math.max(lag, sampleValue(text, 'signalbox_event_loop_lag_seconds', { percentile: '100' }) ?? 0);
  const deadline = performance.now() + 60_000;
  // Until it has been seen blocked for most of the time, and then to have a turn again.
  for (let blocked = false; !(blocked && silent === 0); blocked ||= silent > blockMs / 2_000) {
    expect(performance.now(), `silent ${silent}`).toBeLessThan(deadline);
    const { ms, text } = await scrape(url);
    lag = worst(text);
    silent = sampleValue(text, 'signalbox_main_loop_unresponsive_seconds') ?? Number.NaN;
    if (silent > 1) {
      answers.push(ms);
      age = Math.max(age, sampleValue(text, 'signalbox_metrics_age_seconds') ?? 0);
      // The last values are there.
      expect(sampleValue(text, 'signalbox_build_info')).toBe(1);
    }
  }
  expect(age).toBeGreaterThan(blockMs / 2_000);
  expect(Math.min(...answers)).toBeLessThan(1_000);
  const lane = { queue: 'default', task: 'test.block' };
  let ended: number | undefined;
  let after = await scrape(url);
  while (ended !== 1 && performance.now() < deadline) {
    after = await scrape(url);
    lag = worst(after.text);
    ended = sampleValue(after.text, 'signalbox_job_attempts_total', { ...lane, result: 'succeeded' });
  }
  expect(ended).toBe(1);
  expect(lag).toBeGreaterThan(blockMs / 2_000);
  expect(await worker.stop()).toBe(0);
});

it('a port that others can reach is refused without a token, with the other errors of the configuration', async () => {
  const open = await signalbox(['config'], { METRICS_PORT: '9100', METRICS_HOST: '0.0.0.0', PORT: 'x' });
  expect(open.code).not.toBe(0);
  expect(open.stderr).toContain('METRICS_TOKEN');
  expect(open.stderr).toContain('PORT must be a whole number');
  const token = { METRICS_TOKEN: 'a-token-for-scrapers' };
  const closed = await signalbox(['config'], { METRICS_PORT: '9100', METRICS_HOST: '0.0.0.0', ...token });
  expect(closed.code).toBe(0);
  expect(closed.stdout).not.toContain(token.METRICS_TOKEN);
});
