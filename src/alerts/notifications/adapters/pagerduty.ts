import { isAlarm, type Message, type Notice } from '../message.js';
import type { Notifier } from '../notifier.js';
import { clip, oneLine, textOf, titleOf } from '../wording.js';
import { post } from './post.js';

export interface PagerDutyOptions {
  readonly url: string;
  readonly routingKey: string;
}

/**
 * PagerDuty's Events API v2, or what speaks it. One event a message; the fingerprint is the `dedup_key`, so that an
 * alarm that is sent twice opens one incident, and the end of the alert resolves it.
 */
export class PagerDutyNotifier implements Notifier {
  readonly kind = 'pagerduty';
  readonly batch = 1;
  readonly intervalMs = 500;
  readonly #options: PagerDutyOptions;

  constructor(options: PagerDutyOptions) {
    this.#options = options;
  }

  async send(message: Message, { signal }: { readonly signal: AbortSignal }) {
    const { url, routingKey } = this.#options;
    return post({
      url,
      body: JSON.stringify(eventOf(message, routingKey)),
      signal,
      secrets: [routingKey],
    });
  }
}

function eventOf(message: Message, routingKey: string): object {
  const [notice] = message.notices;
  const { lines, link } = textOf(notice);
  return {
    routing_key: routingKey,
    event_action: isAlarm(notice.kind) ? 'trigger' : 'resolve',
    dedup_key: notice.fingerprint,
    client: 'Signalbox',
    ...(link === undefined ? {} : { client_url: link, links: [{ href: link, text: 'Open in Signalbox' }] }),
    payload: {
      summary: clip(titleOf(message), 1_024),
      source: oneLine(message.source, 200),
      severity: notice.severity,
      timestamp: notice.at.toISOString(),
      class: oneLine(notice.rule, 200),
      custom_details: { key: notice.key, text: lines.join('\n'), labels: shown(notice) },
    },
  };
}

function shown({ labels }: Notice): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels)
      .slice(0, 50)
      .map(([name, value]) => [oneLine(name, 100), oneLine(value, 500)]),
  );
}
