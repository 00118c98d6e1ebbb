import { Command } from 'commander';
import type { Delivery } from '../../alerts/notifications/store/deliveries.js';
import { integerArgument } from '../arguments.js';
import { withAlerting } from '../context.js';
import { type OutputOptions, paint, print, printable, table } from '../output.js';

interface LogOptions extends OutputOptions {
  limit: number;
}

/** `signalbox alerts log`: who was told of one alert. */
export function alertLogCommand(): Command {
  return logCommand('who was told of one alert, who was not, and why')
    .argument('<alert>', 'id of the alert')
    .action((id: string, options: LogOptions) =>
      withAlerting(async ({ alerts, notifications }) => {
        const { id: alertId } = await alerts.get(id);
        printLog(options, await notifications.deliveries({ alertId, limit: options.limit }));
      }),
    );
}

/** `signalbox channels log`: what was sent to one channel. */
export function channelLogCommand(): Command {
  return logCommand('what was sent to one channel, what was not, and why')
    .argument('<channel>', 'name of the channel')
    .action((channel: string, options: LogOptions) =>
      withAlerting(async ({ notifications }) => {
        const lines = await notifications.deliveries({ channel, limit: options.limit });
        // One that is not set any more still has its log.
        if (lines.length === 0) notifications.require(channel);
        printLog(options, lines);
      }),
    );
}

function logCommand(description: string): Command {
  return new Command('log')
    .description(`${description}, the newest first`)
    .option('--limit <n>', 'at most this many, 1 to 1000', integerArgument(1, 1_000), 50)
    .option('--json', 'print JSON');
}

const colours: Readonly<Partial<Record<Delivery['outcome'], (text: string) => string>>> = {
  delivered: paint.green,
  retry: paint.yellow,
  rejected: paint.red,
  expired: paint.red,
};

function printLog(options: OutputOptions, lines: readonly Delivery[]): void {
  const rows = lines.map(({ at, channel, outcome, sender, title, error, reply, nextTryAt }) => [
    at.toISOString(),
    channel,
    (colours[outcome] ?? paint.reset)(outcome),
    sender,
    printable(title),
    printable(error ?? '-'),
    printable(reply ?? '-'),
    nextTryAt?.toISOString() ?? '-',
  ]);
  const head = ['at', 'channel', 'outcome', 'sender', 'title', 'error', 'answer', 'next try'];
  print(options, lines, () => (rows.length === 0 ? 'Nothing was sent, or kept back.' : table(head, rows)));
}
