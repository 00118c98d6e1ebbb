import type { Receipt } from '../notifier.js';
import { maxRetryAfterMs } from '../times.js';
import { oneLine } from '../wording.js';
import { basicCredentials, secretsOf, withoutSecrets } from './hide.js';

export interface Post {
  readonly url: string;
  /** Besides what every JSON request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal;
  /** What must not be seen in a receipt, even when the receiver repeats it, besides what the URL holds. */
  readonly secrets: readonly string[];
}

/** Of an answer no more is read. */
const maxReplyBytes = 4_096;
const maxReply = 500;

/**
 * One POST of JSON, and what became of it. No redirect is followed: the body would reach whom nobody configured. Errors are
 * told by their code, never by their message, which may hold the URL and with it its secret.
 */
export async function post(request: Post): Promise<Receipt> {
  const { url, headers } = withoutCredentials(request.url);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'user-agent': 'signalbox',
        'content-type': 'application/json',
        ...headers,
        ...request.headers,
      },
      body: request.body,
      redirect: 'manual',
      signal: request.signal,
    });
  } catch (error) {
    return unanswered(error, request.signal);
  }
  const reply = withoutSecrets(await readReply(response), [...request.secrets, ...secretsOf(request.url)]);
  return receiptOf(response, oneLine(reply, maxReply));
}

function receiptOf({ status, headers }: Response, reply: string): Receipt {
  if (status >= 200 && status < 300) return { outcome: 'delivered', reply };
  const error = `the receiver answered ${status}`;
  const again = status >= 500 || status === 408 || status === 425 || status === 429;
  if (!again) {
    const redirect = status >= 300 && status < 400 ? ': redirects are not followed' : '';
    return { outcome: 'rejected', error: `${error}${redirect}`, reply };
  }
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), Date.now());
  return { outcome: 'retry', error, reply, retryAfterMs, uncertain: false, answered: status !== 429 };
}

/** Seconds or an HTTP date, as milliseconds from `now`; bounded, so that no receiver puts itself off for ever. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d{1,9}$/.test(value.trim()) ? Number(value) : undefined;
  const ms = seconds === undefined ? Date.parse(value) - now : seconds * 1_000;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxRetryAfterMs);
}

/** Nothing was sent with these; after any other the message may have arrived. */
const neverSent: readonly string[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EPROTO',
];

function unanswered(error: unknown, signal: AbortSignal): Receipt {
  const code = codeOf(error);
  const text = signal.aborted ? 'no answer in time' : `no answer (${code ?? 'connection failed'})`;
  const uncertain = code === undefined || !(neverSent.includes(code) || /CERT|TLS/.test(code));
  return {
    outcome: 'retry',
    error: text,
    reply: '',
    retryAfterMs: undefined,
    uncertain,
    answered: false,
  };
}

/** The first code in the chain of causes: of the socket, the resolver or the HTTP parser. */
function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code.slice(0, 50);
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return undefined;
}

/** The beginning of the answer. One that breaks off or never ends changes nothing about the status. */
async function readReply(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    while (bytes < maxReplyBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      text += decoder.decode(value.subarray(0, maxReplyBytes), { stream: true });
    }
    await reader.cancel();
  } catch {
    // What was read until then is what there is to show.
  }
  return text;
}

/** `fetch` refuses a URL with a user and a password; they go into the header that they stand for. */
function withoutCredentials(given: string): { url: string; headers: Record<string, string> } {
  const url = new URL(given);
  if (url.username === '' && url.password === '') return { url: given, headers: {} };
  const authorization = `Basic ${basicCredentials(url)}`;
  url.username = '';
  url.password = '';
  return { url: url.href, headers: { authorization } };
}
