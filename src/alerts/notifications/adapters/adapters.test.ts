import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  hostileNotice,
  type NotifierUnderTest,
  notifierConformance,
  sampleMessage,
  sampleNotice,
} from '../notifier.conformance.js';
import type { Notifier } from '../notifier.js';
import { Mailbox } from '../testing/mailbox.js';
import { Receiver } from '../testing/receiver.js';
import { EmailNotifier } from './email.js';
import { PagerDutyNotifier } from './pagerduty.js';
import { parseRetryAfter } from './post.js';
import { escapeMrkdwn, SlackNotifier } from './slack.js';
import { WebhookNotifier } from './webhook.js';

const secret = 'a-very-secret-signing-key';
const routingKey = 'R0123456789ABCDEF';
const slackPath = '/services/workspace/incoming/token-of-slack';
const status = { for_good: 400, later: 429, broken: 503 } as const;

async function overHttp(
  path: string,
  secrets: readonly string[],
  make: (url: string) => Notifier,
): Promise<NotifierUnderTest> {
  const receiver = await Receiver.start();
  return {
    notifier: make(receiver.url(path)),
    secrets,
    arrived: () => receiver.received.map(({ body }) => body),
    behave: (doing) => {
      receiver.behaviour = { do: doing };
    },
    refuse: (how, text = 'no') => {
      receiver.behaviour = { do: 'refuse', status: status[how], text };
    },
    vanish: () => receiver.stop(),
    close: () => receiver.stop(),
  };
}

notifierConformance('webhook', () =>
  overHttp('/hook?token=querysecret', [secret, 'querysecret'], (url) => new WebhookNotifier({ url, secret })),
);
notifierConformance('slack', () => overHttp(slackPath, [slackPath], (url) => new SlackNotifier({ url })));
notifierConformance('pagerduty', () =>
  overHttp('/v2/enqueue', [routingKey], (url) => new PagerDutyNotifier({ url, routingKey })),
);
notifierConformance('email', async () => {
  const mailbox = await Mailbox.start();
  const refusals = { for_good: 554, later: 450, broken: 451 } as const;
  return {
    notifier: new EmailNotifier({
      url: mailbox.url('ada:mailpassword@'),
      from: 'Alerts <alerts@example.com>',
      to: ['ops@example.com'],
    }),
    secrets: ['mailpassword'],
    arrived: () => mailbox.mails,
    behave: (doing) => {
      mailbox.behaviour = { do: doing };
    },
    refuse: (how, text = 'no') => {
      mailbox.behaviour = { do: 'refuse', status: refusals[how], text };
    },
    vanish: () => mailbox.stop(),
    close: () => mailbox.stop(),
  };
});

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());
const signal = () => AbortSignal.timeout(20_000);
const body = () => JSON.parse(receiver.received.at(-1)?.body ?? '') as Record<string, never>;

describe('a POST', () => {
  it('follows no redirect: the message reaches nobody else', async () => {
    const other = await Receiver.start();
    try {
      receiver.behaviour = { do: 'refuse', status: 307, headers: { location: other.url() } };
      const notifier = new WebhookNotifier({ url: receiver.url(), secret });
      expect(await notifier.send(sampleMessage(), { signal: signal() })).toMatchObject({
        outcome: 'rejected',
        error: 'the receiver answered 307: redirects are not followed',
      });
      expect(other.received).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  it('hears when to come back, within bounds', async () => {
    receiver.behaviour = { do: 'refuse', status: 429, headers: { 'retry-after': '7' } };
    const notifier = new SlackNotifier({ url: receiver.url() });
    expect(await notifier.send(sampleMessage(), { signal: signal() })).toMatchObject({ retryAfterMs: 7_000 });
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(parseRetryAfter('Wed, 01 Jan 2025 00:00:30 GMT', now)).toBe(0);
    expect(parseRetryAfter('999999999', now)).toBe(3_600_000);
    for (const nonsense of ['', 'soon', '-5', '1e9', null]) {
      expect(parseRetryAfter(nonsense, now) ?? 0).toBe(0);
    }
  });

  it('takes a user and a password in the URL as what they are, and shows neither', async () => {
    receiver.behaviour = { do: 'refuse', status: 401, text: 'Basic YWRhOnB3MTIzNDU= is not known' };
    const url = receiver.url().replace('//', '//ada:pw12345@');
    const receipt = await new WebhookNotifier({ url, secret }).send(sampleMessage(), { signal: signal() });
    expect(receiver.received[0]?.headers.authorization).toBe('Basic YWRhOnB3MTIzNDU=');
    expect(JSON.stringify(receipt)).not.toContain('pw12345');
    expect(JSON.stringify(receipt)).not.toContain('YWRhOnB3MTIzNDU');
  });
});

describe('the webhook', () => {
  it('is signed, over its time and its bytes', async () => {
    const message = sampleMessage(sampleNotice(), sampleNotice({ kind: 'resolved', key: 'other' }));
    await new WebhookNotifier({ url: receiver.url(), secret }).send(message, { signal: signal() });
    const [got] = receiver.received;
    const timestamp = got?.headers['signalbox-timestamp'];
    const expected = createHmac('sha256', secret).update(`${timestamp}.${got?.body}`).digest('hex');
    expect(got?.headers['signalbox-signature']).toBe(`v1=${expected}`);
    expect(got?.headers['idempotency-key']).toBe(message.key);
    expect(body()).toMatchObject({
      version: 1,
      id: message.key,
      source: 'signalbox (test)',
      title: '[1 firing, 1 resolved] NoLiveWorkers',
      notices: [{ kind: 'firing', rule: 'NoLiveWorkers', labels: { queue: 'images' } }, { kind: 'resolved' }],
    });
  });

  it('is checked by the code of the documentation, which refuses what is old or changed', async () => {
    const page = await readFile(new URL('../../../../docs/notifications.md', import.meta.url), 'utf8');
    const code = /```js\n(import[\s\S]*?)\n```/.exec(page)?.[1] ?? '';
    const module = `data:text/javascript,${encodeURIComponent(code)}`;
    const { isFromSignalbox } = (await import(/* @vite-ignore */ module)) as {
      isFromSignalbox(headers: object, body: string, secret: string): boolean;
    };
    await new WebhookNotifier({ url: receiver.url(), secret }).send(sampleMessage(), { signal: signal() });
    const { headers, body: text } = receiver.received[0] as { headers: object; body: string };
    expect(isFromSignalbox(headers, text, secret)).toBe(true);
    expect(isFromSignalbox(headers, `${text} `, secret)).toBe(false);
    expect(isFromSignalbox(headers, text, 'another key altogether')).toBe(false);
    expect(isFromSignalbox({ ...headers, 'signalbox-timestamp': '1' }, text, secret)).toBe(false);
    expect(isFromSignalbox({}, text, secret)).toBe(false);
  });
});

describe('Slack', () => {
  it('reads no markup, mention or link in what users named', async () => {
    await new SlackNotifier({ url: receiver.url() }).send(sampleMessage(hostileNotice), { signal: signal() });
    const { text, blocks } = body() as unknown as {
      text: string;
      blocks: { type: string; text?: { type: string } }[];
    };
    expect(text).not.toMatch(/[<>]/);
    expect(blocks.every((block) => block.text === undefined || block.text.type === 'plain_text')).toBe(true);
    expect(escapeMrkdwn('<!here> & *x*')).toBe('&lt;!here&gt; &amp; *\u200bx*\u200b');
  });

  it('links to the console only, and keeps within the sizes that Slack takes', async () => {
    const many = Array.from({ length: 20 }, (_unused, n) =>
      sampleNotice({
        key: String(n),
        summary: 'x'.repeat(9_000),
        link: `https://console.example/a|b>c?n=${n}`,
      }),
    );
    await new SlackNotifier({ url: receiver.url() }).send(sampleMessage(...many), { signal: signal() });
    const { blocks } = body() as unknown as {
      blocks: { type: string; text?: { type: string; text: string } }[];
    };
    expect(blocks.length).toBeLessThanOrEqual(50);
    const texts = blocks.flatMap((block) => block.text ?? []);
    expect(Math.max(...texts.map(({ text }) => text.length))).toBeLessThanOrEqual(3_000);
    expect(texts.filter(({ type }) => type === 'mrkdwn')[0]?.text).toBe(
      '<https://console.example/a%7Cb%3Ec?n=0|Open>',
    );
  });
});

describe('PagerDuty', () => {
  it.each([
    ['firing', 'trigger'],
    ['reminder', 'trigger'],
    ['flapping', 'trigger'],
    ['resolved', 'resolve'],
    ['brief', 'resolve'],
    ['test', 'resolve'],
  ] as const)('hears of %s as %s, under one key for all of an alert', async (kind, action) => {
    const notifier = new PagerDutyNotifier({ url: receiver.url(), routingKey });
    await notifier.send(sampleMessage(sampleNotice({ kind })), { signal: signal() });
    expect(body()).toMatchObject({
      routing_key: routingKey,
      event_action: action,
      dedup_key: 'f00d',
      payload: {
        severity: 'critical',
        source: 'signalbox (test)',
        custom_details: { labels: { queue: 'images' } },
      },
    });
  });
});

describe('mail', () => {
  it('has the headers that it was given and no others, whatever the texts say', async () => {
    const mailbox = await Mailbox.start();
    try {
      const notifier = new EmailNotifier({
        url: mailbox.url(),
        from: 'a@example.com',
        to: ['b@example.com'],
      });
      const message = sampleMessage(hostileNotice);
      await notifier.send(message, { signal: signal() });
      const [mail = ''] = mailbox.mails;
      const [head = ''] = mail.split('\r\n\r\n');
      const names = [...head.matchAll(/^([\w-]+):/gm)].map(([, name]) => name?.toLowerCase());
      expect(names.sort()).toEqual(
        [
          'auto-submitted',
          'content-transfer-encoding',
          'content-type',
          'date',
          'from',
          'message-id',
          'mime-version',
          'subject',
          'to',
        ].sort(),
      );
      expect(head).toContain(`Message-ID: <${message.key}@signalbox>`);
      expect(mailbox.mails).toHaveLength(1);
    } finally {
      await mailbox.stop();
    }
  });

  it('gives no password to another machine without encryption', async () => {
    const mailbox = await Mailbox.start();
    try {
      // A name that is not known to be this machine, though it is.
      const url = mailbox.url('ada:mailpassword@').replace('127.0.0.1', '[::ffff:7f00:1]');
      const notifier = new EmailNotifier({ url, from: 'a@example.com', to: ['b@example.com'] });
      const receipt = await notifier.send(sampleMessage(), { signal: signal() });
      expect(receipt.outcome).not.toBe('delivered');
      expect(mailbox.mails).toEqual([]);
    } finally {
      await mailbox.stop();
    }
  });
});
