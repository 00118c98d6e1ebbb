import { setTimeout as sleep } from 'node:timers/promises';
import { Database, Engine } from 'signalbox';
import { Effects } from './effects.mjs';
import { lineLogger } from './logger.mjs';
import { sabotaged } from './sabotage.mjs';
import { receiveSettings, tell } from './settings.mjs';
import { chaosTasks } from './tasks.mjs';

const { name, url, directUrl, effectsUrl, profile, plant } = await receiveSettings();
const leaving = new AbortController();
process.once('SIGTERM', () => leaving.abort());
const logger = lineLogger({ process: name });
const connection = {
  applicationName: `chaos-${name}`,
  connectTimeoutMs: profile.connectTimeoutMs,
  statementTimeoutMs: profile.statementTimeoutMs,
  logger,
};
const { DatabaseClass, workerOptions } = sabotaged(Database, plant, () => tell({ type: 'sabotaged' }));
const database = new DatabaseClass({ ...connection, url, directUrl, poolSize: 8 });
const trace = new Database({ ...connection, url: effectsUrl, poolSize: 3 });
const effects = new Effects(trace, name, () => worker.id, logger);
const engine = new Engine({
  database,
  tasks: chaosTasks(effects),
  logger,
  housekeepingMs: profile.housekeepingMs,
});
const worker = engine.createWorker({
  queues: ['chaos'],
  concurrency: profile.concurrency,
  leaseMs: profile.leaseMs,
  drainTimeoutMs: profile.drainTimeoutMs,
  pollMs: profile.pollMs,
  ...workerOptions,
});

process.on('message', (message) => {
  // Not a busy loop: it would take the processor from the others, which is another fault than the one meant.
  if (message.type === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
});
const report = setInterval(() => tell({ type: 'late', count: worker.lateOutcomes }), 500);

for (const service of [engine, worker]) {
  let started = false;
  while (!started && !leaving.signal.aborted) {
    try {
      await service.start();
      started = true;
    } catch (error) {
      logger.warn({ error: String(error) }, `${service.name} could not start yet`);
      await sleep(300);
    }
  }
}
tell({ type: 'ready' });
if (!leaving.signal.aborted) {
  await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve, { once: true }));
}

for (const service of [worker, engine]) {
  try {
    await service.stop();
  } catch (error) {
    logger.error({ error: String(error) }, `${service.name} did not stop in order`);
    tell({ type: 'stop_failed', service: service.name, error: String(error) });
  }
}
clearInterval(report);
tell({ type: 'late', count: worker.lateOutcomes });
await effects.flush();
await Promise.all([database.close(), trace.close()]);
process.removeAllListeners('disconnect');
process.disconnect();
