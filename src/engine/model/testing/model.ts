import { type JobStatus, transitions } from '../../job.js';

/** What is known of a job from the outside: the reference that the database is compared with. */
export interface ModelJob {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly priority: number;
  readonly limit: { readonly key: string; readonly max: number } | null;
  readonly uniqueKey: string | null;
  status: JobStatus;
  /** Attempts that have ended. */
  runs: number;
  failures: number;
  crashes: number;
  /** Place in its line, and whether it waits for its key: taken from the database after each command. */
  place: bigint;
  held: boolean;
  cancelRequested: boolean;
  expires: Moment;
  deadline: Moment;
  /** Whether its time has come, while it waits for one. */
  due: boolean;
  /** The claim that runs it. */
  claim: { readonly id: string; readonly workerId: string } | null;
}

/** A time that a job has: none, far in the future, or over. */
export type Moment = 'none' | 'future' | 'past';

export interface ModelGate {
  paused: boolean;
  max: number | null;
  /** What a rate lets through. Periods are so long that nothing comes back. */
  tokens: number | null;
}

export interface UniqueHolder {
  readonly jobId: string;
  readonly states: readonly JobStatus[];
}

export class Model {
  readonly jobs: ModelJob[] = [];
  /** By limiter: who uses it. */
  readonly slots = new Map<string, Set<string>>();
  readonly gates = new Map<string, ModelGate>();
  readonly unique = new Map<string, UniqueHolder>();

  find(id: string): ModelJob | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  get(id: string): ModelJob {
    const job = this.find(id);
    if (job === undefined) throw new Error(`the model does not know job ${id}`);
    return job;
  }

  gate(limiter: string): ModelGate {
    const gate = this.gates.get(limiter) ?? { paused: false, max: null, tokens: null };
    this.gates.set(limiter, gate);
    return gate;
  }

  gatesOf(job: ModelJob): [string, ModelGate][] {
    const names = [`queue:${job.queue}`, `task:${job.task}`];
    return names.flatMap((name): [string, ModelGate][] => {
      const gate = this.gates.get(name);
      return gate === undefined ? [] : [[name, gate]];
    });
  }

  use(limiter: string): number {
    return this.slots.get(limiter)?.size ?? 0;
  }

  occupy(limiter: string, jobId: string): void {
    const users = this.slots.get(limiter) ?? new Set();
    this.slots.set(limiter, users.add(jobId));
  }

  vacate(jobId: string): void {
    for (const users of this.slots.values()) users.delete(jobId);
  }

  /** How many more jobs a gate lets through; `null`: any number. */
  room(limiter: string): number | null {
    const gate = this.gates.get(limiter);
    if (gate === undefined) return null;
    if (gate.paused) return 0;
    const bounds = [gate.max === null ? null : gate.max - this.use(limiter), gate.tokens];
    const known = bounds.filter((bound) => bound !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** Whether the job's key and gates let it start now. */
  fits(job: ModelJob): boolean {
    if (job.limit !== null && this.use(`key:${job.limit.key}`) >= job.limit.max) return false;
    return this.gatesOf(job).every(([name]) => (this.room(name) ?? 1) > 0);
  }

  /** The one way into a state: it must be legal, and a unique key goes with the first state that does not keep it. */
  move(job: ModelJob, to: JobStatus): void {
    if (!transitions[job.status].includes(to)) {
      throw new Error(`the model moved job ${job.id} from ${job.status} to ${to}`);
    }
    job.status = to;
    if (job.uniqueKey === null) return;
    const holder = this.unique.get(job.uniqueKey);
    if (holder?.jobId === job.id && !holder.states.includes(to)) this.unique.delete(job.uniqueKey);
  }

  start(job: ModelJob, claim: { readonly id: string; readonly workerId: string }): void {
    this.move(job, 'processing');
    job.claim = claim;
    if (job.limit !== null) this.occupy(`key:${job.limit.key}`, job.id);
    for (const [name, gate] of this.gatesOf(job)) {
      if (gate.max !== null) this.occupy(name, job.id);
      if (gate.tokens !== null) gate.tokens -= 1;
    }
  }

  /** The run is over. `slots`: whether what it used is given back; a limit set meanwhile is not known to the worker. */
  stop(job: ModelJob, to: JobStatus, slots = true): void {
    this.move(job, to);
    job.claim = null;
    job.runs += 1;
    if (slots) this.vacate(job.id);
  }

  /** Ends a job that waits or runs, without its worker. */
  end(job: ModelJob, to: 'failed' | 'cancelled'): void {
    if (job.claim === null) this.move(job, to);
    else this.stop(job, to);
  }

  redrive(job: ModelJob): void {
    this.move(job, 'queued');
    job.failures = 0;
    job.crashes = 0;
    job.cancelRequested = false;
    job.expires = 'none';
    job.deadline = 'none';
  }
}
