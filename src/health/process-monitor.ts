import {
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks';
import type { Service } from '../foundation/service.js';

/** How this process fares. Rates and delays are those of the window. */
export interface ProcessSnapshot {
  readonly at: Date;
  readonly startedAt: Date;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly windowMs: number;
  /** Of one core: 2 means two cores wholly used. `null`: the window is too short to say. */
  readonly cpuRatio: number | null;
  /** Share of the window in which the event loop was busy, 0 to 1. */
  readonly loopUtilization: number | null;
  /** How late timers fired. `null`: none has. */
  readonly loopDelay: {
    readonly samples: number;
    readonly meanMs: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  } | null;
}

interface Mark {
  readonly at: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly loop: EventLoopUtilization;
  readonly delay: IntervalHistogram;
}

const resolutionMs = 20;
/** A shorter window says more of this request than of the process. */
const shortestMs = 100;

/** Watches its own process over a window of one to two turns, so that every snapshot has a whole turn behind it. */
export class ProcessMonitor implements Service {
  readonly name = 'process-monitor';
  readonly #turnMs: number;
  #marks: Mark[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(turnMs = 60_000) {
    this.#turnMs = turnMs;
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return;
    this.#marks = [mark()];
    this.#timer = setInterval(() => this.runOnce(), this.#turnMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { delay } of this.#marks) delay.disable();
    this.#marks = [];
  }

  /** Begins a new window. The one before stays the shown one until the next turn. @returns how many are open */
  runOnce(): number {
    this.#marks.push(mark());
    while (this.#marks.length > 2) this.#marks.shift()?.delay.disable();
    return this.#marks.length;
  }

  /** `windowMs` is 0 when it was not started. */
  snapshot(): ProcessSnapshot {
    const memory = process.memoryUsage();
    const [since] = this.#marks;
    const windowMs = since === undefined ? 0 : performance.now() - since.at;
    const long = since !== undefined && windowMs >= shortestMs;
    return Object.freeze({
      at: new Date(),
      startedAt: new Date(performance.timeOrigin),
      uptimeSeconds: process.uptime(),
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      heapTotalBytes: memory.heapTotal,
      windowMs,
      cpuRatio: long ? cpuMs(process.cpuUsage(since.cpu)) / windowMs : null,
      loopUtilization: long ? performance.eventLoopUtilization(since.loop).utilization : null,
      loopDelay: since === undefined ? null : delayOf(since.delay),
    });
  }
}

function mark(): Mark {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return { at: performance.now(), cpu: process.cpuUsage(), loop: performance.eventLoopUtilization(), delay };
}

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

function delayOf(histogram: IntervalHistogram): ProcessSnapshot['loopDelay'] {
  if (histogram.count === 0) return null;
  // It measures from one turn of its own timer to the next: what is beyond the interval is the delay.
  const late = (nanoseconds: number) => Math.max(nanoseconds / 1e6 - resolutionMs, 0);
  const { count, mean, max } = histogram;
  return Object.freeze({
    samples: count,
    meanMs: late(mean),
    p99Ms: late(histogram.percentile(99)),
    maxMs: late(max),
  });
}
