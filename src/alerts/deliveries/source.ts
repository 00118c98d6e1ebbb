import type { ChannelHealth } from '../notifications/store/health.js';
import { type AlertSource, alertSource } from '../source.js';
import { deliveryRules } from './rules.js';

/** Whether what is told arrives. */
export function deliveryAlerts(notifications: { health(): Promise<readonly ChannelHealth[]> }): AlertSource {
  return alertSource(deliveryRules, () => notifications.health());
}
