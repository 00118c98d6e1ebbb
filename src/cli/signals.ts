import type { Service } from '../foundation/service.js';
import type { Log } from '../telemetry/logs/log.js';

const leftBehindMs = 500;

/** Runs a service until SIGINT or SIGTERM, then stops it in good order. A second signal ends the process at once. */
export async function untilSignal(log: Log, service: Service): Promise<void> {
  const { logger } = log;
  const asked = nextSignal();
  try {
    // A signal during the start counts too: the start is finished, then undone.
    await service.start();
    const signal = await asked.promise;
    logger.info({ signal }, 'stopping: running jobs may finish; a second signal stops at once');
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    await service.stop();
    logger.info({}, 'stopped');
  } finally {
    asked.forget();
    await log.stop();
  }
  // A handler that was left behind must not keep the process: this ends it when something still holds it.
  setTimeout(() => process.exit(), leftBehindMs).unref();
}

interface Asked {
  readonly promise: Promise<NodeJS.Signals>;
  forget(): void;
}

export function nextSignal(): Asked {
  let resolve: (signal: NodeJS.Signals) => void = () => undefined;
  const promise = new Promise<NodeJS.Signals>((done) => {
    resolve = done;
  });
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
  return {
    promise,
    forget() {
      process.off('SIGINT', resolve);
      process.off('SIGTERM', resolve);
    },
  };
}
