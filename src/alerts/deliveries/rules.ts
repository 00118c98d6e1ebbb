import type { ChannelHealth } from '../notifications/store/health.js';
import type { AlertRule } from '../rule.js';

type DeliveryRule = AlertRule<readonly ChannelHealth[]>;

/** A minute has three tries in it: what a moment's fault kept back has arrived by then. */
const notificationsFailing: DeliveryRule = {
  name: 'NotificationsFailing',
  severity: 'critical',
  forMs: 60_000,
  help: 'What was last sent to a channel did not arrive, and nothing has arrived there since.',
  remedy: 'Read its last error in the delivery log, correct the settings of the channel, and send a test.',
  prometheus: null,
  page: '/',
  observe: (channels) =>
    channels
      .filter(({ failuresInARow }) => failuresInARow > 0)
      .map(({ channel, failuresInARow: failures, lastError, undelivered }) => ({
        labels: { channel },
        value: failures,
        summary: `Notifications do not reach the channel ${channel}: ${failures} failed in a row, ${undelivered} wait. The last error: ${lastError ?? 'unknown'}.`,
      })),
};

export const deliveryRules: readonly DeliveryRule[] = Object.freeze([notificationsFailing]);
