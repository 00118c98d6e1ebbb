import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Logger, silentLogger } from '../../foundation/logger.js';
import { Receiver } from './testing/receiver.js';
import { Watchdog } from './watchdog.js';

let receiver: Receiver;
let now = 0;
beforeEach(async () => {
  receiver = await Receiver.start();
  now = 0;
});
afterEach(() => receiver.stop());

const dog = (more: Partial<ConstructorParameters<typeof Watchdog>[0]> = {}) =>
  new Watchdog({ url: receiver.url('/ping/secretuuid'), logger: silentLogger, now: () => now, ...more });

it('calls once a minute, however often alerts are evaluated', async () => {
  const watchdog = dog();
  for (; now < 180_000; now += 10_000) await watchdog.ping();
  expect(receiver.received.map(({ path }) => path)).toEqual(Array(3).fill('/ping/secretuuid'));
  expect(watchdog.counts).toEqual({ succeeded: 3, failed: 0 });
});

it('never throws, and says without the address that it failed', async () => {
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields, text) => lines.push(JSON.stringify([fields, text])),
  };
  const watchdog = dog({ logger, timeoutMs: 100 });
  receiver.behaviour = { do: 'refuse', status: 500 };
  await watchdog.ping();
  receiver.behaviour = { do: 'hang' };
  now += 60_000;
  await watchdog.ping();
  await receiver.stop();
  now += 60_000;
  await watchdog.ping();
  expect(watchdog.counts).toEqual({ succeeded: 0, failed: 3 });
  expect(lines).toHaveLength(3);
  expect(lines.join()).not.toContain('secretuuid');
});

it('is nothing when it is not set', async () => {
  await dog({ url: undefined }).ping();
  expect(receiver.received).toEqual([]);
});
