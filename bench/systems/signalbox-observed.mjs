import { createWriteStream } from 'node:fs';
import { historyMigrations } from '../../dist/history/migrations.js';
import { openLog } from '../../dist/telemetry/logs/log.js';
import { Metrics } from '../../dist/telemetry/metrics/metrics.js';
import * as signalbox from './signalbox.mjs';

const scrapeMs = 1_000;

/** Signalbox with everything on that watches it: metrics, scraped ten times as often as usual, log and history. */
export async function open(target) {
  const destination = createWriteStream('/dev/null');
  const log = openLog({ level: 'info', pretty: false, destination, buffered: true });
  const { logger } = log;
  const metrics = new Metrics({ version: 'bench', logger });
  const seen = { logger, hooks: [metrics.hooks], migrations: [historyMigrations] };
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
