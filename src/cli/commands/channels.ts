import { Command } from 'commander';
import type { ChannelReport } from '../../alerts/notifications/notifications.js';
import { channelState } from '../../alerts/notifications/store/health.js';
import { formatDuration } from '../../foundation/time.js';
import { caller } from '../caller.js';
import { withAlerting } from '../context.js';
import { foundSomething } from '../findings.js';
import { group } from '../group.js';
import { type OutputOptions, paint, print, printable, table } from '../output.js';
import { channelLogCommand } from './deliveries.js';

export function channelsCommand(): Command {
  return group('channels', 'where notifications go, how each channel does, and whether it works', [
    listCommand(),
    testCommand(),
    channelLogCommand(),
  ]);
}

const none =
  'No channel is set: nobody is told of alerts. Set ALERT_WEBHOOK_URL, SLACK_WEBHOOK_URL, SMTP_URL or PAGERDUTY_ROUTING_KEY.';

function listCommand(): Command {
  return new Command('list')
    .description('the channels that are set here, and how each does')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExit code: 0 none fails, ${foundSomething} the last attempt at one failed.`)
    .action((options: OutputOptions) =>
      withAlerting(async ({ notifications }) => {
        const channels = (await notifications.health()).map((one) => ({ ...one, state: channelState(one) }));
        print(options, channels, () => (channels.length === 0 ? none : channelTable(channels)));
        if (channels.some(({ state }) => state === 'failing')) process.exitCode = foundSomething;
      }),
    );
}

const stateColours = { unused: paint.reset, working: paint.green, failing: paint.red } as const;

function channelTable(channels: readonly ChannelReport[]): string {
  const rows = channels.map((channel) => [
    channel.name,
    stateColours[channelState(channel)](channelState(channel)),
    channel.minSeverity,
    `${channel.undelivered}`,
    channel.oldestUndeliveredMs === null ? '-' : formatDuration(channel.oldestUndeliveredMs),
    `${channel.held}`,
    channel.lastSuccessAt?.toISOString() ?? '-',
    printable(channel.lastError ?? '-'),
  ]);
  const head = ['channel', 'state', 'from', 'undelivered', 'oldest', 'held', 'last success', 'last error'];
  return table(head, rows);
}

function testCommand(): Command {
  return new Command('test')
    .description('send a test message now, and show what the receiver answered')
    .argument('<channel>', 'name of the channel')
    .option('--by <name>', 'who, if not the user of this shell', caller())
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExit code: 0 the receiver took it, ${foundSomething} it did not.`)
    .action((channel: string, options: OutputOptions & { by: string }) =>
      withAlerting(async ({ notifications }) => {
        const receipt = await notifications.test(channel, options.by, new AbortController().signal);
        const { outcome, ms, reply } = receipt;
        const error = receipt.outcome === 'delivered' ? null : receipt.error;
        const answered = reply === '' ? '' : ` It answered: ${printable(reply)}`;
        print(options, { channel, outcome, ms: Math.round(ms), error, reply }, () =>
          error === null
            ? `${paint.green('delivered')} to ${channel} in ${formatDuration(ms)}.${answered}`
            : `${paint.red('not delivered')} to ${channel}: ${printable(error)}.${answered}`,
        );
        if (error !== null) process.exitCode = foundSomething;
      }),
    );
}
