import { formatDuration } from '../../foundation/time.js';
import type { AlertRule, Observation } from '../rule.js';
import { minuteMs, type TrafficFacts } from './facts.js';

type TrafficRule = AlertRule<TrafficFacts>;

/** Fewer in a window say nothing: one of three that failed is no trend. */
const least = 20;
/** A history that nobody has brought up to date for so long says nothing of now. */
const staleMs = 120_000;

/** Judged only by a history that knows of now. */
function known(judge: (facts: TrafficFacts) => readonly Observation[]): TrafficRule['observe'] {
  return (facts) => (facts.ageMs === null || facts.ageMs > staleMs ? null : judge(facts));
}

function failing(name: string, most: number, windowMs: number): TrafficRule {
  const range = `${windowMs / minuteMs}m`;
  const all = `sum by (queue) (increase(signalbox_jobs_finished_total{outcome=~"succeeded|failed"}[${range}]))`;
  const bad = `sum by (queue) (increase(signalbox_jobs_finished_total{outcome="failed"}[${range}]))`;
  return {
    name,
    severity: 'warning',
    forMs: minuteMs,
    help: `Over ${percent(most)} of at least ${least} jobs of a queue that ended within ${formatDuration(windowMs)} failed.`,
    remedy: 'List what failed (GET /jobs?status=failed) and mend what most of it has in common.',
    prometheus: { expr: `${bad} / ${all} > ${most} and ${all} >= ${least}` },
    page: '/',
    observe: known(({ jobs }) =>
      jobs.flatMap(({ queue, windowMs: of, succeeded, failed }) => {
        const total = succeeded + failed;
        if (of !== windowMs || total < least || failed / total <= most) return [];
        const summary = `${percent(failed / total)} of ${total} jobs of queue "${queue}" failed within ${formatDuration(windowMs)}.`;
        return [{ labels: { queue }, value: failed / total, summary }];
      }),
    ),
  };
}

const mostErrors = 0.05;
const requestsMs = 5 * minuteMs;

const httpErrors: TrafficRule = {
  name: 'HttpErrors',
  severity: 'critical',
  forMs: 0,
  help: `Over ${percent(mostErrors)} of at least ${least} requests within five minutes were answered with 500 or above.`,
  remedy: 'The log names the error of each such request by its request_id.',
  prometheus: {
    expr: `sum(increase(http_requests_total{status=~"5.."}[5m])) / sum(increase(http_requests_total[5m])) > ${mostErrors} and sum(increase(http_requests_total[5m])) >= ${least}`,
  },
  page: '/',
  observe: known(({ requests }) =>
    requests.flatMap(({ windowMs, requests: total, serverErrors }) => {
      const ratio = serverErrors / total;
      if (windowMs !== requestsMs || total < least || ratio <= mostErrors) return [];
      const summary = `${percent(ratio)} of ${total} requests within five minutes were answered with 500 or above.`;
      return [{ labels: {}, value: ratio, summary }];
    }),
  ),
};

/** `0.125` → `12.5 %` */
function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** How much of what ended or was answered lately went wrong. Thresholds a team notices; objectives have budgets. */
export const trafficRules: readonly TrafficRule[] = Object.freeze([
  failing('JobsFailing', 0.1, 15 * minuteMs),
  failing('SuccessLow', 0.05, 60 * minuteMs),
  httpErrors,
]);
