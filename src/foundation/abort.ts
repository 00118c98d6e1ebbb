/** Why running work is told to stop. */
export type AbortCause = 'timeout' | 'deadline' | 'cancelled' | 'lease_lost' | 'shutdown' | 'disconnected';

/** The `reason` of every AbortSignal that Signalbox fires. */
export class AbortReason extends Error {
  readonly kind: AbortCause;

  constructor(kind: AbortCause, message: string) {
    super(message);
    this.name = 'AbortReason';
    this.kind = kind;
  }
}

/** The typed reason of an aborted signal; `undefined` while it is live or when somebody else aborted it. */
export function abortCauseOf(signal: AbortSignal): AbortCause | undefined {
  return signal.reason instanceof AbortReason ? signal.reason.kind : undefined;
}

/**
 * Settles as `promise` does, or rejects with the signal's reason, whichever is first.
 * The promise goes on when the signal wins: whoever owns its resources must still release them.
 */
export async function waitOrAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/** Rejects with an AbortReason of kind `timeout` when `promise` takes longer than `ms`; `what` names it. */
export async function withTimeout<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new AbortReason('timeout', `${what} did not finish within ${ms} ms`)),
    ms,
  );
  try {
    return await waitOrAbort(promise, controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
