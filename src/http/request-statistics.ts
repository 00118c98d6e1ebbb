import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestMinutes } from './request-minutes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked by those who watch the process: left out of the request statistics, which would tell of them alone. */
    watches?: boolean;
  }
}

/** What was answered within a time. */
export interface RequestFigures {
  readonly since: Date;
  readonly total: number;
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** Share answered with 500 or above. `null`: nothing was answered. */
  readonly errorRatio: number | null;
  /** Answers that were timed; event streams last as long as their reader stays and are not. */
  readonly samples: number;
  readonly meanMs: number | null;
  /** From a histogram: at most a tenth too high or too low. */
  readonly p95Ms: number | null;
}

const slotMs = 10_000;
/** Five minutes and the slot that is being filled. */
const slots = 31;
const step = 1.2;
/** The last bucket begins at over six minutes. */
const buckets = 90;
const firstMs = 0.03;

/** Counts what was answered, since the start and in the last five minutes. Its memory does not grow. */
export class RequestStatistics {
  readonly minutes: RequestMinutes;
  readonly #now: () => number;
  readonly #all: Counters;
  readonly #recent: Counters[];

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.minutes = new RequestMinutes(now);
    this.#all = new Counters(now());
    this.#recent = Array.from({ length: slots }, () => new Counters(Number.NEGATIVE_INFINITY));
  }

  /** @param ms `null` when the length of the answer says nothing of the server */
  count(status: number, ms: number | null): void {
    this.minutes.count(status);
    this.#all.add(status, ms);
    this.#slot().add(status, ms);
  }

  sinceStart(): RequestFigures {
    return figuresOf(this.#all.since, [this.#all]);
  }

  /** Of the last five minutes, in slots of ten seconds; of less while the process is younger. */
  recent(): RequestFigures {
    const from = slotStart(this.#now()) - (slots - 1) * slotMs;
    const live = this.#recent.filter(({ since }) => since >= from);
    return figuresOf(Math.max(from, this.#all.since), live);
  }

  #slot(): Counters {
    const start = slotStart(this.#now());
    const slot = this.#recent[(start / slotMs) % slots] as Counters;
    if (slot.since !== start) slot.clear(start);
    return slot;
  }
}

/** Counts every answer of an application, refusals before its routes included. */
export function installRequestStatistics(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    observe(app.requestStatistics, request, reply);
    done();
  });
}

function observe(statistics: RequestStatistics, request: FastifyRequest, reply: FastifyReply): void {
  if (request.routeOptions.config.watches === true) return;
  const streams = String(reply.getHeader('content-type') ?? '').startsWith('text/event-stream');
  statistics.count(reply.statusCode, streams ? null : reply.elapsedTime);
}

class Counters {
  since: number;
  total = 0;
  clientErrors = 0;
  serverErrors = 0;
  samples = 0;
  sumMs = 0;
  readonly lengths = new Uint32Array(buckets);

  constructor(since: number) {
    this.since = since;
  }

  add(status: number, ms: number | null): void {
    this.total += 1;
    if (status >= 500) this.serverErrors += 1;
    else if (status >= 400) this.clientErrors += 1;
    if (ms === null) return;
    this.samples += 1;
    this.sumMs += ms;
    const bucket = bucketOf(ms);
    this.lengths[bucket] = (this.lengths[bucket] ?? 0) + 1;
  }

  clear(since: number): void {
    this.since = since;
    this.total = this.clientErrors = this.serverErrors = this.samples = this.sumMs = 0;
    this.lengths.fill(0);
  }
}

function slotStart(now: number): number {
  return now - (now % slotMs);
}

function bucketOf(ms: number): number {
  return Math.min(Math.max(Math.ceil(Math.log(ms / firstMs) / Math.log(step)), 0), buckets - 1);
}

function figuresOf(since: number, counters: readonly Counters[]): RequestFigures {
  const sum = (of: (one: Counters) => number) => counters.reduce((total, one) => total + of(one), 0);
  const [total, samples, serverErrors] = [
    sum((c) => c.total),
    sum((c) => c.samples),
    sum((c) => c.serverErrors),
  ];
  return Object.freeze({
    since: new Date(since),
    total,
    clientErrors: sum((c) => c.clientErrors),
    serverErrors,
    errorRatio: total === 0 ? null : serverErrors / total,
    samples,
    meanMs: samples === 0 ? null : sum((c) => c.sumMs) / samples,
    p95Ms: samples === 0 ? null : quantile(counters, 0.95 * samples),
  });
}

/** The middle, in proportion, of the bucket in which the answer with this rank is. */
function quantile(counters: readonly Counters[], rank: number): number {
  let seen = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    for (const { lengths } of counters) seen += lengths[bucket] ?? 0;
    if (seen >= rank) return firstMs * step ** (bucket - 0.5);
  }
  return firstMs * step ** buckets;
}
