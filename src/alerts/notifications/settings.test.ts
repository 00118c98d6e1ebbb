import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { outletsFrom } from './configured.js';
import { notificationsSection } from './settings.js';

const read = (env: Record<string, string>) => loadConfig([notificationsSection], { env });
const outlets = (env: Record<string, string>) => outletsFrom(read(env).get(notificationsSection));

describe('channels from settings', () => {
  it('are those whose address is set', () => {
    expect(outlets({})).toEqual([]);
    const all = outlets({
      ALERT_WEBHOOK_URL: 'https://ops.example/hook',
      ALERT_WEBHOOK_SECRET: 'sixteen characters',
      SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/x',
      SMTP_URL: 'smtp://user:password@mail.example:587',
      ALERT_EMAIL_FROM: 'Alerts <alerts@example.com>',
      ALERT_EMAIL_TO: 'ada@example.com, bob@example.com',
      PAGERDUTY_ROUTING_KEY: '0123456789abcdef',
      SLACK_MIN_SEVERITY: 'critical',
    });
    expect(all.map(({ channel }) => [channel.name, channel.minSeverity])).toEqual([
      ['webhook', 'info'],
      ['slack', 'critical'],
      ['email', 'info'],
      ['pagerduty', 'warning'],
    ]);
  });

  it.each([
    { ALERT_WEBHOOK_URL: 'https://ops.example/hook' },
    { ALERT_WEBHOOK_URL: 'file:///etc/passwd', ALERT_WEBHOOK_SECRET: 'sixteen characters' },
    { ALERT_WEBHOOK_SECRET: 'short' },
    { SMTP_URL: 'smtp://mail.example' },
    {
      SMTP_URL: 'smtp://mail.example',
      ALERT_EMAIL_FROM: 'a@b.example\r\nBcc: c@d.example',
      ALERT_EMAIL_TO: 'a@b.example',
    },
    { ALERT_EMAIL_TO: 'a@b.example\nBcc:c@d.example' },
  ])('are refused when half of it is missing or wrong: %j', (env) => {
    expect(() => read(env)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('show no secret', () => {
    const env = {
      SMTP_URL: 'smtp://user:s3cret@mail.example',
      ALERT_EMAIL_FROM: 'a@b.example',
      ALERT_EMAIL_TO: 'a@b.example',
    };
    expect(JSON.stringify(read(env).effective)).not.toContain('s3cret');
  });
});
