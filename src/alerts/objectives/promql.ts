import type { PrometheusForm } from '../rule.js';
import { type BurnLimit, leastEvents, type ObjectiveKind } from './objective.js';
import { objectivesSection } from './settings.js';

const { success, freshness, freshnessWithinMs, availability } = objectivesSection.settings;

interface Counted {
  /** What is counted within a range, such as `1h`. */
  readonly all: (range: string) => string;
  readonly bad: (range: string) => string;
  readonly target: number;
}

const ended = 'signalbox_jobs_finished_total';
const within = (freshnessWithinMs.fallback / 1_000).toFixed(1);

/** Rule files know no settings: every queue is held to the default targets there. */
const counted: Readonly<Record<ObjectiveKind, Counted>> = {
  success: {
    all: (range) => `sum by (queue) (increase(${ended}{outcome=~"succeeded|failed"}[${range}]))`,
    bad: (range) => `sum by (queue) (increase(${ended}{outcome="failed"}[${range}]))`,
    target: success.fallback,
  },
  freshness: {
    all: (range) => `sum by (queue) (increase(signalbox_job_wait_seconds_count[${range}]))`,
    bad: (range) =>
      `(sum by (queue) (increase(signalbox_job_wait_seconds_count[${range}])) - sum by (queue) (increase(signalbox_job_wait_seconds_bucket{le="${within}"}[${range}])))`,
    target: freshness.fallback,
  },
  availability: {
    all: (range) => `sum(increase(http_requests_total[${range}]))`,
    bad: (range) => `sum(increase(http_requests_total{status=~"5.."}[${range}]))`,
    target: availability.fallback,
  },
};

export function burnPromQl(kind: ObjectiveKind, limits: readonly BurnLimit[]): PrometheusForm {
  const { all, bad, target } = counted[kind];
  const over = (range: string, factor: number) =>
    `${bad(range)} / ${all(range)} > ${Number((factor * (1 - target)).toPrecision(6))}`;
  const each = limits.map(({ factor, longMs, shortMs }) => {
    const [long, short] = [rangeOf(longMs), rangeOf(shortMs)];
    return `(${over(long, factor)} and ${over(short, factor)} and ${all(long)} >= ${leastEvents})`;
  });
  return { expr: each.join(' or ') };
}

function rangeOf(ms: number): string {
  const minutes = ms / 60_000;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
