import type { Change } from '../engine/changes.js';
import type { Engine } from '../engine/engine.js';
import { systemClock } from '../foundation/time.js';

/** Waits for the engine's hints that something moved. */
export interface Wake {
  /** Resolves at the next hint since the last wait, after `ms`, or when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** When the last hint came, milliseconds since the epoch; 0 before the first. */
  lastHintAt(): number;
  close(): void;
}

/** Hints may be missed: whoever waits looks again after a while, whatever was told. */
export function wakeOn(engine: Engine, matters: (change: Change) => boolean): Wake {
  let missed = false;
  let hintedAt = 0;
  let pause: AbortController | undefined;
  const unsubscribe = engine.onChange((change) => {
    if (!matters(change)) return;
    missed = true;
    hintedAt = Date.now();
    pause?.abort();
  });
  return {
    async wait(ms, signal) {
      if (!missed) {
        pause = new AbortController();
        await systemClock.sleep(ms, AbortSignal.any([signal, pause.signal]));
        pause = undefined;
      }
      missed = false;
    },
    lastHintAt: () => hintedAt,
    close: unsubscribe,
  };
}
