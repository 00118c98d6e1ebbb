import { createWriteStream } from 'node:fs';
import { observersOf } from '../../dist/app/tracing.js';
import { historyMigrations } from '../../dist/history/migrations.js';
import { openLog } from '../../dist/telemetry/logs/log.js';
import { Metrics } from '../../dist/telemetry/metrics/metrics.js';
import { spanMetrics } from '../../dist/telemetry/tracing/declarations.js';
import * as signalbox from './signalbox.mjs';

const scrapeMs = 1_000;

/** Signalbox with everything on that watches it: metrics, scraped ten times as often as usual, log and history. */
export async function open(target) {
  return openObserved(target, {});
}

/** `trace` makes what else listens: the tracing, if there is one. */
export async function openObserved(target, { migrations = [], trace }) {
  const destination = createWriteStream('/dev/null');
  const log = openLog({ level: 'info', pretty: false, destination, buffered: true });
  const { logger } = log;
  const metrics = new Metrics({ version: 'bench', logger, declarations: Object.values(spanMetrics) });
  const seen = {
    logger,
    migrations: [historyMigrations, ...migrations],
    observers: (database) => {
      const tracing = trace?.({ database, registry: metrics.registry, logger });
      return observersOf(metrics, tracing);
    },
  };
  const { engine, database, ...system } = await signalbox.open(target, {}, seen);
  let scrapes;
  return {
    ...system,
    async work(handler, profile) {
      await system.work(handler, profile);
      metrics.attach({ engine, database });
      scrapes = setInterval(() => metrics.scrape('prometheus'), scrapeMs);
    },
    async close() {
      clearInterval(scrapes);
      await metrics.stop();
      await system.close();
      await log.stop();
    },
  };
}
