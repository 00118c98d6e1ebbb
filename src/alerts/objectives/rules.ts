import { formatDuration } from '../../foundation/time.js';
import type { AlertRule, Observation, Severity } from '../rule.js';
import { type Burn, budgetOf, burnOf } from './burn.js';
import { type BurnLimit, fastBurns, type Measured, type ObjectiveKind, slowBurns } from './objective.js';
import type { ObjectiveReading } from './objectives.js';
import { burnPromQl } from './promql.js';

type ObjectiveRule = AlertRule<ObjectiveReading>;

/** A history that nobody has brought up to date for so long says nothing of now. */
const staleMs = 120_000;

const words: Readonly<Record<ObjectiveKind, { rule: string; help: string; bad: string; remedy: string }>> = {
  success: {
    rule: 'Success',
    help: 'Jobs of a queue fail',
    bad: 'failed',
    remedy: 'List what failed (GET /jobs?status=failed) and mend what most of it has in common.',
  },
  freshness: {
    rule: 'Freshness',
    help: 'Jobs of a queue wait too long',
    bad: 'waited too long',
    remedy: 'Start more workers, raise their concurrency, or look with explain at what the jobs wait for.',
  },
  availability: {
    rule: 'Availability',
    help: 'Requests are answered with 500 or above',
    bad: 'were answered with 500 or above',
    remedy: 'The log names the error of each such request by its request_id.',
  },
};

const speeds: readonly {
  readonly name: string;
  readonly severity: Severity;
  readonly forMs: number;
  readonly limits: readonly BurnLimit[];
  readonly help: string;
}[] = [
  {
    name: 'BudgetBurn',
    severity: 'critical',
    forMs: 120_000,
    limits: fastBurns,
    help: 'so fast that the budget of 30 days is gone within days.',
  },
  {
    name: 'BudgetSlowBurn',
    severity: 'warning',
    forMs: 900_000,
    limits: slowBurns,
    help: 'faster than the budget of 30 days allows.',
  },
];

function objectiveRule(
  kind: ObjectiveKind,
  { name, severity, forMs, limits, help }: (typeof speeds)[number],
) {
  const rule: ObjectiveRule = {
    name: `${words[kind].rule}${name}`,
    severity,
    forMs,
    help: `${words[kind].help} ${help}`,
    remedy: words[kind].remedy,
    prometheus: burnPromQl(kind, limits),
    page: '/',
    observe: ({ state, measured }) =>
      state.ageMs === null || state.ageMs > staleMs
        ? null
        : measured
            .filter(({ objective }) => objective.kind === kind)
            .flatMap((one) => {
              const burn = limits.map((limit) => burnOf(one, limit)).find(({ over }) => over);
              return burn === undefined ? [] : [observation(one, burn)];
            }),
  };
  return rule;
}

function observation(measured: Measured, { factor, longMs, long }: Burn): Observation {
  const { kind, queue, target } = measured.objective;
  const { total = 0, good = 0 } = measured.windows.get(longMs) ?? {};
  const { leftRatio } = budgetOf(measured);
  const left =
    leftRatio === null ? '' : ` ${percent(Math.max(leftRatio, 0))} of the budget of 30 days is left.`;
  const of = queue === null ? 'requests' : `jobs of queue "${queue}"`;
  return {
    labels: queue === null ? {} : { queue },
    value: long,
    summary: `${percent((total - good) / total)} of ${total} ${of} ${words[kind].bad} within ${formatDuration(longMs)}, over ${factor} times what a target of ${percent(target)} allows.${left}`,
  };
}

/** `0.995` → `99.5 %` */
function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** Fast and slow use of the budget of each kind of objective. */
export const objectiveRules: readonly ObjectiveRule[] = Object.freeze(
  (['success', 'freshness', 'availability'] as const).flatMap((kind) =>
    speeds.map((speed) => objectiveRule(kind, speed)),
  ),
);
