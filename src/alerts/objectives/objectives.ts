import type { Queryable } from '../../database/queryable.js';
import { spanEdgesMs } from '../../engine/spans.js';
import { type HistoryState, historyState } from '../../history/store/keep.js';
import { type JobWindow, jobWindows, requestWindows } from '../../history/store/windows.js';
import { type Events, type Measured, type ObjectiveKind, windowsMs } from './objective.js';
import { type ObjectiveSettings, queueTarget } from './settings.js';

/** Every objective with what happened, as far as the history knows. */
export interface ObjectiveReading {
  readonly state: HistoryState;
  readonly measured: readonly Measured[];
}

type Target = { readonly target: number; readonly withinMs: number | null };

/** What work and answers are held to, and how they do. */
export class Objectives {
  readonly #db: Queryable;
  readonly #settings: ObjectiveSettings;
  readonly #success: ReadonlyMap<string, Target>;
  readonly #freshness: ReadonlyMap<string, Target>;

  constructor(db: Queryable, settings: ObjectiveSettings) {
    this.#db = db;
    this.#settings = settings;
    this.#success = targetsOf(settings.successByQueue);
    this.#freshness = targetsOf(settings.freshnessByQueue);
  }

  /** Queues in which no job has ended within the 30 days have no objective: there is nothing to say of them. */
  async read(): Promise<ObjectiveReading> {
    const state = await historyState(this.#db);
    const spans = {
      fallback: spansWithin(this.#settings.freshnessWithinMs),
      queues: new Map([...this.#freshness].map(([queue, target]) => [queue, spansWithin(target.withinMs)])),
    };
    const [jobs, requests] = await Promise.all([
      jobWindows(this.#db, windowsMs, spans),
      requestWindows(this.#db, windowsMs),
    ]);
    const answered = requests.map(
      ({ windowMs, requests: total, serverErrors }) =>
        [windowMs, { total, good: total - serverErrors }] as const,
    );
    const { availability } = this.#settings;
    const queues = [...new Set(jobs.map(({ queue }) => queue))].sort();
    return Object.freeze({
      state,
      measured: [
        ...queues.flatMap((queue) => this.#ofQueue(queue, jobs)),
        {
          objective: { kind: 'availability' as const, queue: null, target: availability, withinMs: null },
          windows: new Map(answered),
        },
      ],
    });
  }

  #ofQueue(queue: string, jobs: readonly JobWindow[]): Measured[] {
    const mine = jobs.filter((window) => window.queue === queue);
    const measure = (kind: ObjectiveKind, target: Target, of: (window: JobWindow) => Events): Measured => ({
      objective: { kind, queue, ...target },
      windows: new Map(mine.map((window) => [window.windowMs, of(window)])),
    });
    const { success, freshness, freshnessWithinMs } = this.#settings;
    return [
      measure('success', this.#success.get(queue) ?? { target: success, withinMs: null }, (window) => ({
        total: window.succeeded + window.failed,
        good: window.succeeded,
      })),
      measure(
        'freshness',
        this.#freshness.get(queue) ?? { target: freshness, withinMs: freshnessWithinMs },
        (window) => ({ total: window.waited, good: window.fresh }),
      ),
    ];
  }
}

function targetsOf(words: readonly string[]): ReadonlyMap<string, Target> {
  return new Map(words.map(queueTarget).map(({ queue, target, withinMs }) => [queue, { target, withinMs }]));
}

/** How many spans lie below an edge. */
function spansWithin(ms: number | null): number {
  return spanEdgesMs.filter((edge) => edge <= (ms ?? 0)).length;
}
