import type { Database } from '../database/database.js';
import type { ClaimBook } from './claim-book.js';
import { type ClaimedJob, toClaimedJob } from './claimed.js';
import type { Lanes } from './lanes.js';
import { type Brief, type Claim, claimJobs, type Floor, readClaim } from './sql/claim.js';
import type { GateKind } from './sql/gates.js';

export interface IntakeOptions {
  readonly db: Database;
  readonly lanes: Lanes;
  readonly claims: ClaimBook;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  /** Slots without a job. */
  readonly free: () => number;
}

/** Claims ahead of time cover what the worker does in this many milliseconds. */
const aheadMs = 50;
const maxAhead = 1_000;
const maxClaim = 500;
/** What a claim's answer may hold, characters: more is not told by the claim itself and costs a second reading. */
const answerSize = 45_000;
/** How long a claim may go on from where the last one ended, before it looks at what is new in front. */
const floorMs = 200;
/** A job claimed ahead of time and not begun by then is better off elsewhere. */
const staleMs = 1_000;
/** How long claims ahead of time may pass over the jobs that only go into slots. */
const passOverMs = 1_000;

/**
 * Claims jobs, more than there are slots for when they are done quickly: then the next one is at hand when a slot is
 * free, and one claim pays for hundreds. Slow jobs are claimed one by one as slots become free.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #waiting: ClaimedJob[] = [];
  #next = 0;
  #claimedAt = 0;
  #floor: Floor | null = null;
  #thoroughAt = 0;
  #thorough = true;
  /** When a claim last found no suspect that it could have taken. */
  #noSuspectsAt = performance.now();
  #hungry = true;
  #backlog = false;
  #closings: { readonly gate: GateKind; readonly name: string }[] = [];
  #ended = 0;
  #measuredAt = performance.now();
  #perMs = 0;
  /** Of one job in the answer to a claim, characters, smoothed. */
  #jobSize = 100;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Claimed and not begun. */
  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** Whether there is room for a claim's jobs. */
  get wanted(): boolean {
    return this.waiting < this.#options.free() + (this.#slotsOnly ? 0 : this.#ahead / 2);
  }

  /** Claims whose jobs wait here. */
  get claimIds(): readonly string[] {
    return this.#waiting.slice(this.#next).map(({ claimId }) => claimId);
  }

  /** Forgets the jobs of these claims, which are not ours any more. */
  forget(claimIds: ReadonlySet<string>): void {
    this.#waiting = this.#waiting.slice(this.#next).filter(({ claimId }) => !claimIds.has(claimId));
    this.#next = 0;
  }

  /**
   * Whether there may be more to claim than was claimed: the last claim took all it might, or there was no room for
   * one. When it found less, whatever comes later is announced.
   */
  get hungry(): boolean {
    return this.#hungry && this.wanted;
  }

  /** There was something to look for, and no room. */
  putOff(): void {
    this.#hungry = true;
  }

  /** The next job to begin. */
  take(): ClaimedJob | undefined {
    const job = this.#waiting[this.#next];
    if (job === undefined) return undefined;
    this.#next += 1;
    return job;
  }

  /** A job that was begun has ended. Begins say nothing: slots are filled at once, however slow the jobs are. */
  ended(): void {
    this.#ended += 1;
  }

  /** Takes back all that was claimed and not begun. */
  takeAll(): ClaimedJob[] {
    const jobs = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    return jobs;
  }

  /** Takes back what was claimed of a queue or task and not begun. Of a claim under way, `takeClosed` gives the rest. */
  takeOf(gate: GateKind, name: string): ClaimedJob[] {
    this.#closings.push({ gate, name });
    return this.takeClosed();
  }

  /** What was claimed of a queue or task that was closed since the claim began. */
  takeClosed(): ClaimedJob[] {
    if (this.#closings.length === 0) return [];
    const closed = (job: ClaimedJob): boolean => this.#closings.some(({ gate, name }) => job[gate] === name);
    const jobs = this.takeAll();
    this.#waiting = jobs.filter((job) => !closed(job));
    return jobs.filter(closed);
  }

  /** What has waited for a slot too long, because those before it turned out slow. */
  takeStale(): ClaimedJob[] {
    if (this.waiting === 0 || performance.now() - this.#claimedAt < staleMs) return [];
    this.#perMs = 0;
    return this.takeAll();
  }

  /** Makes one claim. @returns how many jobs it brought, and in how many milliseconds time lets more through */
  async claim(workerId: string): Promise<{ claimed: number; opensInMs: number | null }> {
    const { queues, tasks, db } = this.#options;
    this.#measure();
    this.#closings = [];
    const room = this.#options.free() - this.waiting;
    const slotsOnly = this.#slotsOnly;
    const thorough = slotsOnly || this.#thorough || performance.now() - this.#thoroughAt > floorMs;
    // Suspects, which took a worker with them before, only go into slots: a crash must not blame those that wait.
    const ahead = slotsOnly || (thorough && room > 0) ? 0 : this.#ahead;
    const limit = Math.min(room + ahead, maxClaim, Math.max(room, Math.floor(answerSize / this.#jobSize)));
    if (limit <= 0) return { claimed: 0, opensInMs: null };
    const suspects = room > 0 && limit <= room;
    const floor = thorough ? null : this.#floor;
    if (thorough) this.#thoroughAt = performance.now();
    const askedAt = performance.now();
    const claim = await claimJobs(db, { workerId, queues, tasks, limit, suspects, floor });
    const clockMs = claim.nowMs - performance.now();
    const full = claim.taken === limit;
    this.#backlog = full;
    this.#floor = full ? claim.floor : null;
    // What it may have passed over: suspects, and whatever became ready before the floor.
    const partial = !full && (!suspects || floor !== null);
    this.#thorough = partial;
    const found = await this.#receive(claim, { workerId, askedAt, clockMs });
    // Where one was there may be more: they are fetched slot by slot until there are none. One that went on from a
    // floor has not looked at those in front of it.
    if (suspects && floor === null && !found) this.#noSuspectsAt = performance.now();
    this.#hungry = claim.again || full || (partial && room > 0);
    return { claimed: claim.taken, opensInMs: claim.opensInMs };
  }

  /** @returns whether any of them took a worker with it before */
  async #receive(
    claim: Claim,
    asked: { readonly workerId: string; readonly askedAt: number; readonly clockMs: number },
  ): Promise<boolean> {
    if (claim.id === null) return false;
    const { db, lanes, claims } = this.#options;
    const askedAt = claim.jobs === null ? performance.now() : asked.askedAt;
    const jobs = claim.jobs ?? (await readClaim(db, claim.id));
    const toldAt = performance.now();
    const { workerId, clockMs } = asked;
    const origin = { workerId, claimId: claim.id, limited: claim.limited, askedAt, toldAt, clockMs };
    const { list, size } = jobs;
    const known = await lanes.resolve(laneIds(list));
    claims.opened(claim.id, list.length);
    if (list.length > 0) this.#jobSize = (this.#jobSize + size / list.length) / 2;
    const waiting = this.#waiting.slice(this.#next);
    for (const brief of list) {
      const lane = known.get(brief[1]);
      if (lane !== undefined) waiting.push(toClaimedJob(brief, lane, origin));
    }
    this.#waiting = waiting;
    this.#next = 0;
    this.#claimedAt = performance.now();
    return list.some((brief) => brief[4] > 0);
  }

  /**
   * In a backlog of quick jobs each free slot has its next job at hand, and suspects, which are not claimed ahead,
   * would wait for the end of the backlog. So now and then nothing is claimed ahead until a slot is free.
   */
  get #slotsOnly(): boolean {
    return performance.now() - this.#noSuspectsAt > passOverMs;
  }

  /** Only behind a backlog: with slots to spare every job begins as soon as it is claimed. */
  get #ahead(): number {
    return this.#backlog ? Math.min(Math.floor(this.#perMs * aheadMs), maxAhead) : 0;
  }

  /** How many jobs end in a millisecond, smoothed. */
  #measure(): void {
    const now = performance.now();
    const ms = now - this.#measuredAt;
    if (ms < 2) return;
    const rate = this.#ended / ms;
    this.#perMs = rate > this.#perMs ? rate : (this.#perMs + rate) / 2;
    this.#ended = 0;
    this.#measuredAt = now;
  }
}

function laneIds(jobs: readonly Brief[]): ReadonlySet<number> {
  return new Set(jobs.map((brief) => brief[1]));
}
