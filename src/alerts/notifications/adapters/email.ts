import { createTransport } from 'nodemailer';
import { isLoopbackHost } from '../../../foundation/loopback.js';
import type { Message } from '../message.js';
import type { Notifier, Receipt } from '../notifier.js';
import { sendTimeoutMs } from '../times.js';
import { oneLine, textOf, titleOf } from '../wording.js';
import { withoutSecrets } from './hide.js';

export interface EmailOptions {
  /** `smtp://` (STARTTLS when offered, and required with a password to another machine) or `smtps://`. */
  readonly url: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** Plain text by SMTP. One connection a message, closed with it. */
export class EmailNotifier implements Notifier {
  readonly kind = 'email';
  readonly batch = 20;
  readonly intervalMs = 2_000;
  readonly #options: EmailOptions;

  constructor(options: EmailOptions) {
    this.#options = options;
  }

  async send(message: Message, { signal }: { readonly signal: AbortSignal }): Promise<Receipt> {
    const server = serverOf(this.#options.url);
    const transport = createTransport({
      ...server.options,
      connectionTimeout: sendTimeoutMs,
      greetingTimeout: sendTimeoutMs,
      socketTimeout: sendTimeoutMs,
      dnsTimeout: sendTimeoutMs,
      socketCloseTimeout: 500,
      maxResponseSize: 16_384,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      const { response } = await transport.sendMail({
        from: this.#options.from,
        to: [...this.#options.to],
        subject: titleOf(message),
        text: bodyOf(message),
        messageId: `<${message.key}@signalbox>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal,
      });
      return { outcome: 'delivered', reply: shownReply(response, server.secrets) };
    } catch (error) {
      return failure(error, signal, server.secrets);
    }
  }
}

/** Lines that came from labels and summaries hold no line breaks: they cannot start a header or another notice. */
function bodyOf(message: Message): string {
  const parts = message.notices.map((notice) => {
    const { headline, lines, link } = textOf(notice);
    return [headline, ...lines, ...(link === undefined ? [] : [link])].join('\n');
  });
  return `${parts.join('\n\n')}\n\n-- \n${oneLine(message.source, 200)}\n`;
}

function serverOf(given: string) {
  const url = new URL(given);
  const secure = url.protocol === 'smtps:';
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    options: {
      host,
      port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
      secure,
      // A password must not be given to whoever sits in between and takes STARTTLS out of the greeting.
      requireTLS: !secure && pass !== '' && !isLoopbackHost(host),
      ...(user === '' ? {} : { auth: { user, pass } }),
    },
    secrets: [
      given,
      pass,
      Buffer.from(pass).toString('base64'),
      Buffer.from(`\0${user}\0${pass}`).toString('base64'),
    ],
  };
}

/** Failures of what comes before the mail itself: nothing was handed over. */
const beforeMail: readonly string[] = ['EDNS', 'ETLS', 'EREQUIRETLS', 'EAUTH', 'ENOAUTH'];

function failure(error: unknown, signal: AbortSignal, secrets: readonly string[]): Receipt {
  const { code, responseCode, response, syscall } = fieldsOf(error);
  const reply = shownReply(response, secrets);
  if (responseCode !== undefined) {
    const text = `the mail server answered ${responseCode}`;
    if (responseCode >= 500) return { outcome: 'rejected', error: text, reply };
    // 421: the server as a whole is about to go.
    return again(text, reply, { uncertain: false, answered: responseCode !== 421 });
  }
  if (code === 'ECONFIG' || code === 'EMESSAGE' || code === 'EENVELOPE') {
    return { outcome: 'rejected', error: `the mail cannot be sent (${code})`, reply };
  }
  const text = signal.aborted ? 'no answer in time' : `no mail was taken (${code ?? 'unknown'})`;
  const connected = syscall !== 'connect' && syscall !== 'getaddrinfo';
  return again(text, reply, { uncertain: connected && !beforeMail.includes(code ?? ''), answered: false });
}

function again(
  error: string,
  reply: string,
  what: { readonly uncertain: boolean; readonly answered: boolean },
): Receipt {
  return { outcome: 'retry', error, reply, retryAfterMs: undefined, ...what };
}

function fieldsOf(error: unknown) {
  const given = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  const text = (key: string) => (typeof given[key] === 'string' ? given[key] : undefined);
  const responseCode = typeof given.responseCode === 'number' ? given.responseCode : undefined;
  return { code: text('code'), responseCode, response: text('response'), syscall: text('syscall') };
}

function shownReply(response: string | undefined, secrets: readonly string[]): string {
  return oneLine(withoutSecrets(response ?? '', secrets), 500);
}
