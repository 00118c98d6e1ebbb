import type { AttemptInfo, EngineHooks, LaneInfo, RescuedInfo } from '../../../engine/hooks.js';
import type { JobReason } from '../../../engine/job.js';
import type { LabelsOf } from '../declaration.js';
import type { CounterFamily, HistogramFamily } from '../family.js';
import type { MetricRegistry } from '../registry.js';
import type { CounterSeries, HistogramSeries } from '../series.js';
import { engineMetrics } from './declarations.js';

type Result = LabelsOf<(typeof engineMetrics)['attempts']>['result'];
type FinishReason = LabelsOf<(typeof engineMetrics)['finished']>['reason'];

const ends = [
  ['succeeded', 'none'],
  ['failed', 'permanent_error'],
  ['failed', 'attempts_exhausted'],
  ['failed', 'crashed'],
  ['failed', 'deadline'],
  ['failed', 'expired'],
  ['cancelled', 'cancelled'],
] as const;
const results: readonly Result[] = engineMetrics.attempts.labels.result.values;

/** Everything that is written for the jobs of one lane, looked up once: a busy worker comes here for every job. */
class LaneSeries {
  readonly queue: string;
  readonly enqueued: CounterSeries;
  readonly rescued: CounterSeries;
  readonly late: CounterSeries;
  readonly retriedError: CounterSeries;
  readonly retriedTimeout: CounterSeries;
  readonly attempts: Readonly<Record<Result, CounterSeries>>;
  readonly #finished: CounterFamily<FinishedLabels>;
  readonly #ends: ReadonlyMap<string, CounterSeries>;
  readonly succeeded: CounterSeries;
  readonly #families: Histograms;
  readonly #lane: LaneInfo;
  #wait: HistogramSeries | undefined;
  #run: HistogramSeries | undefined;

  constructor(registry: MetricRegistry, families: Histograms, lane: LaneInfo) {
    const of = { queue: lane.queue, task: lane.task };
    this.queue = lane.queue;
    this.#lane = of;
    this.#families = families;
    this.enqueued = registry.counter(engineMetrics.enqueued).with(of);
    this.rescued = registry.counter(engineMetrics.rescued).with(of);
    this.late = registry.counter(engineMetrics.late).with(of);
    const retries = registry.counter(engineMetrics.retries);
    this.retriedError = retries.with({ ...of, reason: 'error' });
    this.retriedTimeout = retries.with({ ...of, reason: 'timeout' });
    const attempts = registry.counter(engineMetrics.attempts);
    this.attempts = Object.fromEntries(
      results.map((result) => [result, attempts.with({ ...of, result })]),
    ) as Record<Result, CounterSeries>;
    const finished = registry.counter(engineMetrics.finished);
    this.#finished = finished;
    this.#ends = new Map(
      ends.map(([outcome, reason]) => [`${outcome} ${reason}`, finished.with({ ...of, outcome, reason })]),
    );
    this.succeeded = finished.with({ ...of, outcome: 'succeeded', reason: 'none' });
  }

  /** Only where attempts run: a server alone would show thousands of empty buckets. */
  get wait(): HistogramSeries {
    this.#wait ??= this.#families.wait.with(this.#lane);
    return this.#wait;
  }

  get run(): HistogramSeries {
    this.#run ??= this.#families.run.with(this.#lane);
    return this.#run;
  }

  ended(outcome: 'failed' | 'cancelled', given: JobReason | null): CounterSeries {
    // One that is not declared is counted as `other`, never dropped.
    const reason = (given ?? 'none') as FinishReason;
    return this.#ends.get(`${outcome} ${reason}`) ?? this.#finished.with({ ...this.#lane, outcome, reason });
  }
}

type FinishedLabels = (typeof engineMetrics)['finished']['labels'];
type LaneLabels = (typeof engineMetrics)['wait']['labels'];
interface Histograms {
  readonly wait: HistogramFamily<LaneLabels>;
  readonly run: HistogramFamily<LaneLabels>;
}

/** Writes what the engine tells. Hundreds of nanoseconds a job: no object is made and no label looked at. */
export class EngineRecorder implements EngineHooks {
  readonly #registry: MetricRegistry;
  readonly #histograms: Histograms;
  /** By task; nearly every task has one queue only. */
  readonly #lanes = new Map<string, LaneSeries>();
  readonly #others = new Map<string, LaneSeries>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.#histograms = {
      wait: registry.histogram(engineMetrics.wait),
      run: registry.histogram(engineMetrics.run),
    };
  }

  /** Makes the counters of lanes that are known, so that their first job already shows as a growth. */
  expect(lanes: readonly LaneInfo[]): void {
    for (const lane of lanes) this.#of(lane.queue, lane.task);
  }

  jobsAccepted({ name, queue }: { readonly name: string; readonly queue: string }, count: number): void {
    this.#of(queue, name).enqueued.inc(count);
  }

  attemptStarted(job: AttemptInfo, waitMs: number): void {
    this.#of(job.queue, job.task).wait.observe(waitMs / 1_000, traceIdOf(job));
  }

  attemptEnded(
    job: AttemptInfo,
    outcome: 'succeeded' | 'failed' | 'cancelled' | 'retrying' | 'snoozed' | 'released',
    ms: number,
    reason: JobReason | null,
  ): void {
    const lane = this.#of(job.queue, job.task);
    lane.run.observe(ms / 1_000, traceIdOf(job));
    switch (outcome) {
      case 'succeeded':
        lane.attempts.succeeded.inc();
        lane.succeeded.inc();
        return;
      case 'failed':
      case 'cancelled':
        lane.attempts[outcome].inc();
        lane.ended(outcome, reason).inc();
        return;
      case 'retrying':
        lane.attempts.retrying.inc();
        (reason === 'timeout' ? lane.retriedTimeout : lane.retriedError).inc();
        return;
      case 'snoozed':
        lane.attempts[reason === 'rate_limited' ? 'rate_limited' : 'snoozed'].inc();
        return;
      case 'released':
        lane.attempts.released.inc();
        return;
      default:
        outcome satisfies never;
    }
  }

  outcomeLate({ queue, task }: AttemptInfo): void {
    this.#of(queue, task).late.inc();
  }

  jobRescued({ queue, task }: RescuedInfo): void {
    this.#of(queue, task).rescued.inc();
  }

  attemptsTimedOut({ queue, task }: LaneInfo, count: number): void {
    this.#of(queue, task).retriedTimeout.inc(count);
  }

  jobsEnded(
    { queue, task }: LaneInfo,
    outcome: 'failed' | 'cancelled',
    reason: JobReason,
    count: number,
  ): void {
    this.#of(queue, task).ended(outcome, reason).inc(count);
  }

  #of(queue: string, task: string): LaneSeries {
    const usual = this.#lanes.get(task);
    if (usual?.queue === queue) return usual;
    const made = () => new LaneSeries(this.#registry, this.#histograms, { queue, task });
    if (usual === undefined) {
      const lane = made();
      this.#lanes.set(task, lane);
      return lane;
    }
    const key = `${queue}\n${task}`;
    const other = this.#others.get(key) ?? made();
    this.#others.set(key, other);
    return other;
  }
}

/** Of a W3C trace context, which was checked when the job was accepted. */
function traceIdOf({ traceParent }: AttemptInfo): string | undefined {
  return traceParent === null ? undefined : traceParent.slice(3, 35);
}
