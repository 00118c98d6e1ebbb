import { defineSection, type ValuesOf } from '../../config/section.js';
import { choice, list, text, url } from '../../config/setting.js';
import { severities } from '../rule.js';

const web = ['https', 'http'];

function least(channel: string, env: string, fallback: (typeof severities)[number]) {
  return choice({
    env,
    help: `Least severity of alerts that go to ${channel}: info, warning or critical.`,
    fallback,
    words: severities,
  });
}

/** A channel exists when its address is set. */
export const notificationsSection = defineSection({
  name: 'notifications',
  settings: {
    source: text({
      env: 'ALERT_SOURCE',
      help: 'What this installation calls itself in notifications.',
      fallback: 'signalbox',
      maxLength: 100,
    }),
    webhookUrl: url({
      env: 'ALERT_WEBHOOK_URL',
      help: 'Receives alerts as signed JSON.',
      secret: true,
      fallback: undefined,
      schemes: web,
    }),
    webhookSecret: text({
      env: 'ALERT_WEBHOOK_SECRET',
      help: 'Key of the signature of ALERT_WEBHOOK_URL, at least 16 characters.',
      secret: true,
      fallback: undefined,
      minLength: 16,
    }),
    webhookMinSeverity: least('ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_MIN_SEVERITY', 'info'),
    slackUrl: url({
      env: 'SLACK_WEBHOOK_URL',
      help: 'Incoming webhook of Slack, or of what speaks its format, that receives alerts.',
      secret: true,
      fallback: undefined,
      schemes: web,
    }),
    slackMinSeverity: least('SLACK_WEBHOOK_URL', 'SLACK_MIN_SEVERITY', 'info'),
    smtpUrl: url({
      env: 'SMTP_URL',
      help: 'Mail server for alerts: smtp://user:password@host:587 or smtps://…',
      secret: true,
      fallback: undefined,
      schemes: ['smtp', 'smtps'],
    }),
    emailFrom: text({
      env: 'ALERT_EMAIL_FROM',
      help: 'Sender of mails about alerts.',
      fallback: undefined,
      maxLength: 254,
    }),
    emailTo: list({
      env: 'ALERT_EMAIL_TO',
      help: 'Who receives mails about alerts, separated by commas.',
      fallback: [],
      pattern: /^[^\s@<>,;:"\\()]+@[^\s@<>,;:"\\()]+$/,
    }),
    emailMinSeverity: least('ALERT_EMAIL_TO', 'ALERT_EMAIL_MIN_SEVERITY', 'info'),
    pagerDutyKey: text({
      env: 'PAGERDUTY_ROUTING_KEY',
      help: 'Integration key of PagerDuty (Events API v2) that receives alerts.',
      secret: true,
      fallback: undefined,
      minLength: 8,
      maxLength: 200,
    }),
    pagerDutyUrl: url({
      env: 'PAGERDUTY_URL',
      help: 'Where events of PagerDuty go, or of what speaks the same API.',
      fallback: 'https://events.pagerduty.com/v2/enqueue',
      schemes: web,
    }),
    pagerDutyMinSeverity: least('PAGERDUTY_ROUTING_KEY', 'PAGERDUTY_MIN_SEVERITY', 'warning'),
    watchdogUrl: url({
      env: 'WATCHDOG_URL',
      help: "Dead man's switch: called every minute while alerts are evaluated. The service behind it raises the alarm when the calls stop.",
      secret: true,
      fallback: undefined,
      schemes: web,
    }),
  },
  check: (values) => [
    ...(values.webhookUrl && !values.webhookSecret
      ? ['ALERT_WEBHOOK_URL is set, but ALERT_WEBHOOK_SECRET is not: its receiver could not tell who sends.']
      : []),
    ...(values.smtpUrl && (values.emailFrom === undefined || values.emailTo.length === 0)
      ? ['SMTP_URL is set: ALERT_EMAIL_FROM and ALERT_EMAIL_TO must be set too.']
      : []),
    ...(values.emailFrom !== undefined && !mailAddress.test(values.emailFrom)
      ? ['ALERT_EMAIL_FROM must be an address such as alerts@example.com or Alerts <alerts@example.com>.']
      : []),
  ],
});

const mailAddress = /^(?:[^\p{Cc}<>@]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/u;

export type NotificationSettings = ValuesOf<typeof notificationsSection.settings>;
