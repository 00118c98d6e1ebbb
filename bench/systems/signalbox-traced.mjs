import { spanMigrations } from '../../dist/telemetry/tracing/migrations.js';
import { Tracing } from '../../dist/telemetry/tracing/tracing.js';
import { openObserved } from './signalbox-observed.mjs';

/** With everything on, and a tenth of the traces recorded and stored. */
export async function open(target) {
  let tracing;
  const system = await openObserved(target, {
    migrations: [spanMigrations],
    trace: ({ database, registry, logger }) => {
      tracing = new Tracing({
        rate: 0.1,
        perSecond: 200,
        collector: undefined,
        db: database,
        resource: {},
        registry,
        logger,
      });
      return tracing;
    },
  });
  return {
    ...system,
    async work(handler, profile) {
      await tracing.start();
      await system.work(handler, profile);
    },
    async close() {
      await tracing.stop();
      await system.close();
    },
  };
}
