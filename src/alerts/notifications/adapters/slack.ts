import type { Message, Notice } from '../message.js';
import type { Notifier } from '../notifier.js';
import { clip, oneLine, textOf, titleOf } from '../wording.js';
import { post } from './post.js';

const maxSection = 2_900;

/** An incoming webhook of Slack, or of anything that speaks its format. */
export class SlackNotifier implements Notifier {
  readonly kind = 'slack';
  readonly batch = 20;
  /** Slack allows one message a second. */
  readonly intervalMs = 1_000;
  readonly #url: string;

  constructor(options: { readonly url: string }) {
    this.#url = options.url;
  }

  async send(message: Message, { signal }: { readonly signal: AbortSignal }) {
    return post({
      url: this.#url,
      body: JSON.stringify(slackBody(message)),
      signal,
      secrets: [],
    });
  }
}

/**
 * Texts stand in `plain_text` blocks, where Slack reads no markup, mention or link. `text`, which phones show, is
 * always read as markup, so it is escaped.
 */
export function slackBody(message: Message): object {
  const title = titleOf(message);
  return {
    text: escapeMrkdwn(title),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(clip(title, 150)) },
      ...message.notices.flatMap((notice) => noticeBlocks(notice, message.notices.length > 1)),
      { type: 'context', elements: [plain(oneLine(message.source, 200))] },
    ],
  };
}

function noticeBlocks(notice: Notice, headed: boolean): object[] {
  const { headline, lines, link } = textOf(notice);
  const text = [...(headed ? [headline] : []), ...lines].join('\n');
  const section = { type: 'section', text: plain(clip(text, maxSection)) };
  if (link === undefined) return [section];
  return [section, { type: 'section', text: { type: 'mrkdwn', text: `<${escapeUrl(link)}|Open>` } }];
}

function plain(text: string): object {
  return { type: 'plain_text', text, emoji: false };
}

/** Slack's three control characters; a zero-width space keeps what is left from being read as formatting. */
export function escapeMrkdwn(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[*_~`]/g, '$&\u200b');
}

function escapeUrl(url: string): string {
  return url.replaceAll('|', '%7C').replaceAll('>', '%3E').replaceAll('<', '%3C').replaceAll('&', '&amp;');
}
