import type { Severity } from '../rule.js';
import { EmailNotifier } from './adapters/email.js';
import { PagerDutyNotifier } from './adapters/pagerduty.js';
import { SlackNotifier } from './adapters/slack.js';
import { WebhookNotifier } from './adapters/webhook.js';
import type { Channel } from './channel.js';
import type { Notifier } from './notifier.js';
import type { NotificationSettings } from './settings.js';

/** A channel and what sends to it. */
export interface Outlet {
  readonly channel: Channel;
  readonly notifier: Notifier;
}

/** The channels that the settings name, each called by its kind. */
export function outletsFrom(settings: NotificationSettings): readonly Outlet[] {
  const outlets: Outlet[] = [];
  const { webhookUrl, webhookSecret, slackUrl, smtpUrl, emailFrom, emailTo, pagerDutyKey } = settings;
  if (webhookUrl !== undefined && webhookSecret !== undefined) {
    const notifier = new WebhookNotifier({ url: webhookUrl, secret: webhookSecret });
    outlets.push(outlet(notifier, settings.webhookMinSeverity));
  }
  if (slackUrl !== undefined) {
    outlets.push(outlet(new SlackNotifier({ url: slackUrl }), settings.slackMinSeverity));
  }
  if (smtpUrl !== undefined && emailFrom !== undefined) {
    const notifier = new EmailNotifier({ url: smtpUrl, from: emailFrom, to: emailTo });
    outlets.push(outlet(notifier, settings.emailMinSeverity));
  }
  if (pagerDutyKey !== undefined) {
    const notifier = new PagerDutyNotifier({ url: settings.pagerDutyUrl, routingKey: pagerDutyKey });
    outlets.push(outlet(notifier, settings.pagerDutyMinSeverity));
  }
  return Object.freeze(outlets);
}

function outlet(notifier: Notifier, minSeverity: Severity): Outlet {
  const { kind } = notifier;
  return Object.freeze({ channel: Object.freeze({ name: kind, kind, minSeverity }), notifier });
}
