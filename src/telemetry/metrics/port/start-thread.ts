import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import type { ThreadData } from './messages.js';

const scriptName = 'metrics-thread.js';

/** The compiled file beside this one; run from `src` (Vitest), that of the last build. Throws when there is neither. */
export function startThread(data: ThreadData): Thread {
  const places = [
    new URL(scriptName, import.meta.url),
    new URL(`../../../../dist/telemetry/metrics/port/${scriptName}`, import.meta.url),
  ];
  const script = places.find((url) => existsSync(url));
  if (script === undefined) {
    throw new Error(`${scriptName} was not found; from the sources, run npm run build`);
  }
  // Loaders and preloaded instrumentation of the process stay out of the thread that must always answer.
  return new Thread(fileURLToPath(script), { name: 'signalbox metrics', workerData: data, execArgv: [] });
}
