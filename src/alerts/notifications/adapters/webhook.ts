import type { Message, Notice } from '../message.js';
import type { Notifier } from '../notifier.js';
import { titleOf } from '../wording.js';
import { post } from './post.js';
import { sign } from './signature.js';

export interface WebhookOptions {
  readonly url: string;
  readonly secret: string;
}

/** JSON, signed, to a URL of the operator's own. docs/notifications.md has its fields. */
export class WebhookNotifier implements Notifier {
  readonly kind = 'webhook';
  readonly batch = 20;
  readonly intervalMs = 200;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  async send(message: Message, { signal }: { readonly signal: AbortSignal }) {
    const { url, secret } = this.#options;
    const body = JSON.stringify(webhookBody(message));
    const timestamp = String(Math.floor(Date.now() / 1_000));
    return post({
      url,
      headers: {
        'idempotency-key': message.key,
        'signalbox-timestamp': timestamp,
        'signalbox-signature': sign(secret, timestamp, body),
      },
      body,
      signal,
      secrets: [secret],
    });
  }
}

function webhookBody(message: Message): object {
  return {
    version: 1,
    id: message.key,
    source: message.source,
    title: titleOf(message),
    notices: message.notices.map(noticeBody),
  };
}

function noticeBody(notice: Notice): object {
  return {
    key: notice.key,
    kind: notice.kind,
    alert_id: notice.alertId,
    fingerprint: notice.fingerprint,
    rule: notice.rule,
    severity: notice.severity,
    labels: notice.labels,
    summary: notice.summary,
    remedy: notice.remedy,
    link: notice.link,
    started_at: notice.startedAt.toISOString(),
    at: notice.at.toISOString(),
  };
}
