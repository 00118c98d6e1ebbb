import { z } from 'zod';
import { budgetOf, burnOf } from '../../alerts/objectives/burn.js';
import { budgetWindowMs, fastBurns, type Measured, slowBurns } from '../../alerts/objectives/objective.js';
import type { SpanFigures } from '../../history/histogram.js';
import type { Point } from '../../history/series.js';
import type { HistoryState } from '../../history/store/keep.js';
import { count, milliseconds } from '../measured.js';

const time = z.iso.datetime();

/** With every answer: what the numbers vouch for. */
export const stateShape = {
  since: time.describe('Nothing is known of the time before'),
  counted_to: time.nullable().describe('Up to when it is known; `null`: nothing is'),
  age_ms: milliseconds.nullable().describe('How long ago that is'),
};

const spansSchema = z
  .object({ samples: count, p50_ms: milliseconds, p95_ms: milliseconds, p99_ms: milliseconds })
  .nullable();

export const pointSchema = z
  .object({
    at: time.describe('Beginning of the interval'),
    known_ms: milliseconds.describe('How much of it is known of the jobs'),
    jobs: z
      .object({
        enqueued: count,
        started: count.describe('Claims'),
        retried: count.describe('Attempts that failed and are to be tried again'),
        succeeded: count,
        failed: count,
        cancelled: count,
        wait: spansSchema.describe('From ready to claimed, of the jobs that ended; `null`: none did'),
        run: spansSchema.describe('From claimed to ended, of the same'),
      })
      .nullable()
      .describe('`null`: unknown, which is not nothing'),
    requests: z
      .object({ total: count, server_errors: count })
      .nullable()
      .describe('Of all servers; `null`: none was there to say'),
  })
  .meta({ id: 'HistoryPoint' });

const burnSchema = z.object({
  severity: z.enum(['critical', 'warning']),
  factor: z.number().describe('Times the rate that uses up the budget exactly, beyond which it is alarming'),
  long_ms: milliseconds,
  short_ms: milliseconds,
  long: z.number().nullable().describe('The rate over the long window; `null`: no event in it'),
  short: z.number().nullable(),
  judged: z.boolean().describe('`false`: too few events to judge by'),
  over: z.boolean(),
});

export const objectiveSchema = z
  .object({
    objective: z.enum(['success', 'freshness', 'availability']),
    queue: z.string().nullable(),
    target: z.number().describe('Share of good events, from 0 to 1'),
    within_ms: milliseconds.nullable().describe('Freshness: waits shorter than this are good'),
    window_ms: milliseconds,
    total: count,
    good: count,
    ratio: z.number().nullable().describe('`null`: no event in the window'),
    budget_left: z.number().nullable().describe('Share of the budget; below 0 when it is overspent'),
    budget_left_events: z.number().nullable().describe('Bad events that may still happen'),
    burn: z.array(burnSchema),
  })
  .meta({ id: 'Objective' });

export function stateJson({ since, countedTo, ageMs }: HistoryState) {
  return {
    since: since.toISOString(),
    counted_to: countedTo?.toISOString() ?? null,
    age_ms: ageMs,
  };
}

export function pointJson({ at, knownMs, jobs, requests }: Point): z.output<typeof pointSchema> {
  return {
    at: at.toISOString(),
    known_ms: knownMs,
    jobs: jobs && { ...jobs, wait: spansJson(jobs.wait), run: spansJson(jobs.run) },
    requests: requests && { total: requests.requests, server_errors: requests.serverErrors },
  };
}

function spansJson(spans: SpanFigures | null) {
  return spans && { samples: spans.samples, p50_ms: spans.p50Ms, p95_ms: spans.p95Ms, p99_ms: spans.p99Ms };
}

export function objectiveJson(measured: Measured): z.output<typeof objectiveSchema> {
  const { objective } = measured;
  const { events, ratio, leftRatio, leftEvents } = budgetOf(measured);
  const limits = [
    ...fastBurns.map((limit) => ({ severity: 'critical' as const, limit })),
    ...slowBurns.map((limit) => ({ severity: 'warning' as const, limit })),
  ];
  return {
    objective: objective.kind,
    queue: objective.queue,
    target: objective.target,
    within_ms: objective.withinMs,
    window_ms: budgetWindowMs,
    ...events,
    ratio,
    budget_left: leftRatio,
    budget_left_events: leftEvents,
    burn: limits.map(({ severity, limit }) => {
      const { factor, longMs, shortMs, ...burn } = burnOf(measured, limit);
      return { severity, factor, long_ms: longMs, short_ms: shortMs, ...burn };
    }),
  };
}
