import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf } from '../../../foundation/errors.js';
import type { LogLevel } from '../levels.js';
import type { LokiTarget } from './loki-target.js';

export interface LokiLine {
  readonly level: LogLevel;
  /** Nanoseconds since the epoch, as text. */
  readonly at: string;
  readonly line: string;
  readonly bytes: number;
}

/** `refused`: the same lines would be refused again. */
export type PushAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

const compressed = promisify(gzip);
const tooManyRequests = 429;

/** One push. Never rejects. */
export async function pushLines(
  target: LokiTarget,
  lines: readonly LokiLine[],
  signal: AbortSignal,
): Promise<PushAnswer> {
  try {
    const body = await compressed(JSON.stringify({ streams: streamsOf(target, lines) }));
    const response = await fetch(target.url, {
      method: 'POST',
      headers: { ...target.headers, 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body,
      // Credentials go to no other address than the one that was set.
      redirect: 'manual',
      signal,
    });
    return await answerOf(response);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { kind: 'failed', reason: messageOf(cause), retryAfterMs: 0 };
  }
}

async function answerOf(response: Response): Promise<PushAnswer> {
  const { status } = response;
  const told = await beginningOf(response);
  if (response.ok) return { kind: 'taken' };
  const reason = `HTTP ${status}${told === '' ? '' : `: ${told}`}`;
  if (status < 500 && status !== tooManyRequests) return { kind: 'refused', reason };
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return { kind: 'failed', reason, retryAfterMs: seconds > 0 ? seconds * 1_000 : 0 };
}

/** Enough to see why. The rest of the answer is not read: whoever it is may send without end. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  try {
    const { value } = await reader.read();
    await reader.cancel();
    return new TextDecoder().decode(value?.subarray(0, 300)).trim();
  } catch (error) {
    // The status has been told, and decides.
    return messageOf(error);
  }
}

function streamsOf({ labels }: LokiTarget, lines: readonly LokiLine[]) {
  const byLevel = new Map<LogLevel, [string, string][]>();
  for (const { level, at, line } of lines) {
    const values = byLevel.get(level) ?? [];
    byLevel.set(level, values);
    values.push([at, line.trimEnd()]);
  }
  return [...byLevel].map(([level, values]) => ({ stream: { ...labels, level }, values }));
}
