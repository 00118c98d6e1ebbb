import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Message, messageOf, type Notice } from './message.js';
import type { Notifier, Receipt } from './notifier.js';

type Doing = 'take' | 'hang' | 'flood' | 'cut';

/** An adapter and a real receiver of its protocol. */
export interface NotifierUnderTest {
  readonly notifier: Notifier;
  /** Texts of the channel that must be seen nowhere. */
  readonly secrets: readonly string[];
  /** What arrived, as text. */
  arrived(): readonly string[];
  behave(doing: Doing): void;
  /** The protocol's word for "never", "not now" and "something is wrong here"; the last repeats what it was sent. */
  refuse(how: 'for_good' | 'later' | 'broken', text?: string): void;
  /** Stops listening. */
  vanish(): Promise<void>;
  close(): Promise<void>;
}

export function sampleNotice(more: Partial<Notice> = {}): Notice {
  return {
    key: '01890000-0000-7000-8000-000000000000:firing:test',
    kind: 'firing',
    alertId: '01890000-0000-7000-8000-000000000000',
    fingerprint: 'f00d',
    rule: 'NoLiveWorkers',
    severity: 'critical',
    labels: { queue: 'images' },
    summary: '3 jobs wait and nobody works',
    remedy: 'signalbox start --worker',
    link: 'https://console.example/alerts?a=1&b=2',
    startedAt: new Date('2026-01-01T00:00:00Z'),
    at: new Date('2026-01-01T00:05:00Z'),
    ...more,
  };
}

export function sampleMessage(...notices: Notice[]): Message {
  const [first = sampleNotice(), ...rest] = notices;
  return messageOf('signalbox (test)', [first, ...rest]);
}

/** Names and texts as an attacker would choose them. */
export const hostileNotice = sampleNotice({
  rule: 'Rule\r\nBcc: victim@example.com\r\n\r\n<!channel>',
  labels: { 'queue\nX-Injected: yes': '<!everyone> <https://evil.example|click> & *bold* \u202eflip' },
  summary: 'one\r\n.\r\nMAIL FROM:<evil@example.com>\u0000\u0007 <@U123>',
  remedy: `\u2028${'x'.repeat(100_000)}`,
  link: 'javascript:alert(1)',
});

/** What every adapter must do. `make` gives one with a receiver of its own. */
export function notifierConformance(name: string, make: () => Promise<NotifierUnderTest>): void {
  describe(`notifier: ${name}`, () => {
    let under: NotifierUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.close());

    const send = (message = sampleMessage(), ms = 20_000): Promise<Receipt> =>
      under.notifier.send(message, { signal: AbortSignal.timeout(ms) });
    const showsNoSecret = (receipt: Receipt) => {
      for (const secret of under.secrets) expect(JSON.stringify(receipt)).not.toContain(secret);
    };

    it('delivers, and says what the receiver said', async () => {
      const receipt = await send();
      expect(receipt).toMatchObject({ outcome: 'delivered', reply: expect.stringContaining('ok') });
      expect(under.arrived()).toHaveLength(1);
      expect(under.arrived()[0]).toContain('NoLiveWorkers');
    });

    it.each(['firing', 'resolved', 'brief', 'reminder', 'flapping', 'test'] as const)(
      'knows how to say %s',
      async (kind) => {
        expect(await send(sampleMessage(sampleNotice({ kind })))).toMatchObject({ outcome: 'delivered' });
      },
    );

    it('ends when its time is over, not knowing what became of it', async () => {
      under.behave('hang');
      expect(await send(sampleMessage(), 300)).toMatchObject({
        outcome: 'retry',
        uncertain: true,
        answered: false,
      });
    });

    it('does not begin when it is told to end', async () => {
      const receipt = await under.notifier.send(sampleMessage(), { signal: AbortSignal.abort() });
      expect(receipt.outcome).toBe('retry');
      expect(under.arrived()).toEqual([]);
    });

    it('gives up what is refused for good', async () => {
      under.refuse('for_good');
      const receipt = await send();
      expect(receipt.outcome).toBe('rejected');
      showsNoSecret(receipt);
    });

    it('comes back when told not now, and when the receiver is broken', async () => {
      for (const how of ['later', 'broken'] as const) {
        under.refuse(how);
        expect(await send()).toMatchObject({ outcome: 'retry', uncertain: false });
      }
    });

    it('comes back when nobody is there, knowing that nothing arrived', async () => {
      await under.vanish();
      const receipt = await send();
      expect(receipt).toMatchObject({ outcome: 'retry', uncertain: false, answered: false });
      showsNoSecret(receipt);
    });

    it('comes back when the connection is cut, not knowing what became of it', async () => {
      under.behave('cut');
      const receipt = await send();
      expect(receipt).toMatchObject({ outcome: 'retry', uncertain: true });
      showsNoSecret(receipt);
    });

    it('reads no more of a huge answer than it shows, and shows it harmless', async () => {
      under.behave('flood');
      const receipt = await send();
      expect(receipt.outcome).toBe('delivered');
      expect(receipt.reply.length).toBeLessThanOrEqual(500);
      expect(receipt.reply).not.toMatch(/[\p{Cc}\u202e]/u);
    });

    it('hides its secrets when the receiver repeats them', async () => {
      for (const how of ['for_good', 'broken'] as const) {
        under.refuse(how, `you sent ${under.secrets.join(' and ')}`);
        const receipt = await send();
        expect(receipt.outcome).not.toBe('delivered');
        showsNoSecret(receipt);
      }
    });

    it('delivers what hostile names and texts are in', async () => {
      expect(await send(sampleMessage(hostileNotice))).toMatchObject({ outcome: 'delivered' });
      const [text = ''] = under.arrived();
      expect(text.length).toBeLessThan(300_000);
    });
  });
}
