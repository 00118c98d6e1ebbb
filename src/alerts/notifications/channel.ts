import { type Severity, severities } from '../rule.js';

export type ChannelKind = 'webhook' | 'slack' | 'email' | 'pagerduty';

/** Where notifications go. What it needs to get there, secrets included, is its notifier's alone. */
export interface Channel {
  /** Unique; stands in the outbox, so a channel that is renamed does not get what was meant for the old name. */
  readonly name: string;
  readonly kind: ChannelKind;
  /** Alerts below it are not recorded for the channel. */
  readonly minSeverity: Severity;
}

export function wants(channel: Channel, severity: Severity): boolean {
  return severities.indexOf(severity) >= severities.indexOf(channel.minSeverity);
}
