import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import type { ThreadData } from './messages.js';

export type StartThread = (data: ThreadData) => Thread;

const scriptName = 'heartbeat-thread.js';

/**
 * The thread needs a file that Node can run: the compiled one beside this file. Run from `src` (Vitest), where
 * there is only TypeScript, it is that of the last build. `undefined` without a build, or in a bundle.
 */
export function findThreadScript(here: string = import.meta.url): string | undefined {
  const beside = new URL(scriptName, here);
  const built = new URL(`../../../dist/engine/heartbeat/${scriptName}`, here);
  for (const url of [beside, built]) if (existsSync(url)) return fileURLToPath(url);
  return undefined;
}

/** Throws when there is no script or the system gives no thread. What goes wrong in the thread comes as an event. */
export function startThread(data: ThreadData): Thread {
  const script = findThreadScript();
  if (script === undefined)
    throw new Error(`${scriptName} was not found; from the sources, run npm run build`);
  return new Thread(script, {
    name: 'signalbox heartbeat',
    workerData: data,
    // Loaders, preloaded instrumentation and debuggers of the process stay out of the thread that must not stall.
    execArgv: [],
  });
}
