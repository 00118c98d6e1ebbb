import { defineSection, type ValuesOf } from '../../config/section.js';
import { duration, list, percent } from '../../config/setting.js';
import { parseDuration, parsePercent } from '../../config/units.js';
import { spanEdgesMs } from '../../engine/spans.js';

const queueName = '[a-z0-9][a-z0-9_.:-]{0,99}';

/** What a queue is held to when it is not what all are held to. */
export interface QueueTarget {
  readonly queue: string;
  readonly target: number;
  readonly withinMs: number | null;
}

export const objectivesSection = defineSection({
  name: 'objectives',
  settings: {
    success: percent({
      env: 'SLO_SUCCESS',
      help: 'Percentage of jobs of each queue that are to succeed, over 30 days.',
      fallback: 0.99,
    }),
    successByQueue: list({
      env: 'SLO_SUCCESS_BY_QUEUE',
      help: 'Queues held to another SLO_SUCCESS, such as images=95,mail=99.9.',
      fallback: [],
      pattern: new RegExp(`^${queueName}=[0-9.]+%?$`, 'i'),
    }),
    freshness: percent({
      env: 'SLO_FRESHNESS',
      help: 'Percentage of jobs of each queue that are to wait for less than SLO_FRESHNESS_WITHIN, over 30 days.',
      fallback: 0.99,
    }),
    freshnessWithinMs: duration({
      env: 'SLO_FRESHNESS_WITHIN',
      help: 'How long a job that could start may wait. One of the spans of the history: 1s, 2s, 5s, 10s, 20s, 30s, 1m, 2m, 5m, 10m, 30m, 1h, 6h.',
      fallback: 30_000,
    }),
    freshnessByQueue: list({
      env: 'SLO_FRESHNESS_BY_QUEUE',
      help: 'Queues held to another freshness, such as images=95@5m,mail=99@10s.',
      fallback: [],
      pattern: new RegExp(`^${queueName}=[0-9.]+%?@[0-9.]+[a-z]*$`, 'i'),
    }),
    availability: percent({
      env: 'SLO_AVAILABILITY',
      help: 'Percentage of HTTP requests that are to be answered with less than 500, over 30 days.',
      fallback: 0.995,
    }),
  },
  check: ({ freshnessWithinMs, successByQueue, freshnessByQueue }) => [
    ...(spanEdgesMs.includes(freshnessWithinMs) ? [] : [`SLO_FRESHNESS_WITHIN ${mustBeSpan}`]),
    ...wrongTargets('SLO_SUCCESS_BY_QUEUE', successByQueue),
    ...wrongTargets('SLO_FRESHNESS_BY_QUEUE', freshnessByQueue),
  ],
});

export type ObjectiveSettings = ValuesOf<typeof objectivesSection.settings>;

const mustBeSpan = `must be a span that the history counts by, such as ${spanEdgesMs
  .filter((ms) => ms >= 1_000)
  .map((ms) => `${ms / 1_000}s`)
  .join(', ')}.`;

function wrongTargets(env: string, words: readonly string[]): string[] {
  const queues = words.map((word) => word.split('=')[0]);
  return words.flatMap((word, n) => {
    const { queue, target, withinMs } = queueTarget(word);
    if (Number.isNaN(target)) return [`${env}: the percentage of ${queue} must be above 0 and below 100.`];
    if (withinMs !== null && !spanEdgesMs.includes(withinMs))
      return [`${env}: the time of ${queue} ${mustBeSpan}`];
    return queues.indexOf(queue) === n ? [] : [`${env} names ${queue} twice.`];
  });
}

/** Reads `queue=percent` or `queue=percent@time`; what cannot be read is `NaN`. */
export function queueTarget(word: string): QueueTarget {
  const [queue = '', rest = ''] = word.split('=');
  const [share = '', within] = rest.split('@');
  return Object.freeze({
    queue,
    target: parsePercent(share) ?? Number.NaN,
    withinMs: within === undefined ? null : (parseDuration(within) ?? Number.NaN),
  });
}
