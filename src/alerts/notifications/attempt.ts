import { AbortReason } from '../../foundation/abort.js';
import { messageOf as textOfError } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import type { Message } from './message.js';
import type { Notifier, Receipt } from './notifier.js';

/**
 * One attempt with its time-out. It resolves in any case: an adapter that throws or ignores its signal is an outcome
 * that nobody knows.
 */
export async function attempt(
  notifier: Notifier,
  message: Message,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number; readonly logger: Logger },
): Promise<{ readonly receipt: Receipt; readonly ms: number }> {
  const { signal, timeoutMs, logger } = options;
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const timer = setTimeout(
    () => controller.abort(new AbortReason('timeout', `no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const begun = performance.now();
  let deaf: NodeJS.Timeout | undefined;
  try {
    const ignored = new Promise<Receipt>((resolve) => {
      const giveUp = () => {
        deaf = setTimeout(() => resolve(unknown('it does not end')), deafMs);
      };
      controller.signal.addEventListener('abort', giveUp, { once: true });
      if (controller.signal.aborted) giveUp();
    });
    const receipt = await Promise.race([notifier.send(message, { signal: controller.signal }), ignored]);
    return { receipt, ms: performance.now() - begun };
  } catch (error) {
    // A fault of the adapter. Its text may hold a secret, so it is no part of the receipt.
    logger.error(
      { kind: notifier.kind, error: nameOf(error) },
      'a notifier failed in a way that it must not',
    );
    return { receipt: unknown('the notifier failed'), ms: performance.now() - begun };
  } finally {
    clearTimeout(timer);
    clearTimeout(deaf);
    signal.removeEventListener('abort', stop);
  }
}

/** After its signal an adapter has so long to end by itself. */
const deafMs = 2_000;

function unknown(error: string): Receipt {
  return { outcome: 'retry', error, reply: '', retryAfterMs: undefined, uncertain: true, answered: false };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : textOfError(error).slice(0, 50);
}
