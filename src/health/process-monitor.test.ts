import { afterEach, expect, it } from 'vitest';
import { ProcessMonitor } from './process-monitor.js';

const monitor = new ProcessMonitor(3_600_000);
afterEach(() => monitor.stop());

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

it('says nothing of a window that there is not', () => {
  expect(monitor.snapshot()).toMatchObject({
    windowMs: 0,
    cpuRatio: null,
    loopUtilization: null,
    loopDelay: null,
  });
});

it('shows memory, processor time and how long the event loop was held up', async () => {
  await monitor.start();
  await expect.poll(() => monitor.snapshot().loopDelay?.samples ?? 0).toBeGreaterThan(2);
  block(300);
  await expect.poll(() => monitor.snapshot().loopDelay?.maxMs ?? 0).toBeGreaterThan(200);
  const snapshot = monitor.snapshot();
  expect(snapshot.rssBytes).toBeGreaterThan(snapshot.heapUsedBytes);
  expect(snapshot.windowMs).toBeGreaterThan(300);
  expect(snapshot.cpuRatio).toBeGreaterThan(0);
  expect(snapshot.loopUtilization).toBeGreaterThan(0);
  expect(snapshot.loopUtilization).toBeLessThanOrEqual(1);
  expect(Math.abs(snapshot.startedAt.getTime() + snapshot.uptimeSeconds * 1_000 - Date.now())).toBeLessThan(
    5_000,
  );
});

it('forgets a bad moment after two turns, and always has a whole one behind it', async () => {
  await monitor.start();
  await expect.poll(() => monitor.snapshot().loopDelay?.samples ?? 0).toBeGreaterThan(2);
  block(400);
  await expect.poll(() => monitor.snapshot().loopDelay?.maxMs ?? 0).toBeGreaterThan(300);
  const { windowMs } = monitor.snapshot();
  expect(monitor.runOnce()).toBe(2);
  expect(monitor.snapshot().windowMs).toBeGreaterThanOrEqual(windowMs);
  expect(monitor.runOnce()).toBe(2);
  expect(monitor.snapshot().windowMs).toBeLessThan(windowMs + 60_000);
  expect(monitor.snapshot().loopDelay?.samples ?? 0).toBeLessThan(windowMs / 20 + 5);
  await monitor.stop();
  await monitor.stop();
});
