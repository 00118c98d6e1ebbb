import type { Queryable } from '../database/queryable.js';
import type { ClaimedJob } from '../engine/claimed.js';
import { PermanentError, storableText } from '../engine/failure.js';
import type { JobProgress, LogLevel } from '../engine/job.js';
import { keptData, toProgress } from '../engine/journal.js';
import { storableJson } from '../engine/json.js';
import type { TaskContext } from '../engine/task.js';

export interface RecordedLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** The context of a handler that runs without the engine: keeps what it is told. */
export class Recorder implements TaskContext {
  readonly job: ClaimedJob;
  readonly signal: AbortSignal;
  readonly logs: RecordedLogLine[] = [];
  readonly told: JobProgress[] = [];
  readonly #tx: Queryable | undefined;
  #completed: string | undefined;

  constructor(job: ClaimedJob, signal: AbortSignal, tx: Queryable | undefined) {
    this.job = job;
    this.signal = signal;
    this.#tx = tx;
  }

  /** JSON of the result with which `complete` ended the job; `undefined`: it did not. */
  get completed(): string | undefined {
    return this.#completed;
  }

  // Bound, because handlers take them out of the context.
  readonly progress = (fraction: number, message?: string): void => {
    this.told.push(toProgress(fraction, message));
  };

  readonly log = (level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void => {
    this.logs.push({ level, message: storableText(message), data: keptData(data) });
  };

  readonly complete = async (work: (tx: Queryable) => Promise<unknown>): Promise<void> => {
    if (this.#completed !== undefined) throw new TypeError('The job is completed already.');
    if (this.#tx === undefined) {
      throw new TypeError('performJob has no database to complete the job in: give it `tx`, or use drain().');
    }
    this.signal.throwIfAborted();
    const json = storableJson(await work(this.#tx));
    if (!json.ok) throw new PermanentError(`The result ${json.path} ${json.problem}.`);
    this.#completed = json.text;
  };
}
