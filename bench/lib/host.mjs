// A system in a process of its own: what every measure does with it, the same for each.
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './process.mjs';

const [name] = process.argv.slice(2);
const adapter = await import(`../systems/${name}.mjs`);

let system;
let handled = 0;
/** Milliseconds from enqueue to start of each latency sample. */
const delays = [];
let onHandled = () => undefined;

/** The same payload for every system, about 30 bytes. */
function inputOf(n) {
  return { n, to: `user-${n % 10_000}@example.org` };
}

/** A clock that two processes of one machine share. */
function clock() {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

async function insertAll(count, runAt) {
  const { chunk, lanes } = system.bulk;
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + chunk);
      const inputs = Array.from({ length: next - from }, (_, i) => inputOf(from + i));
      await system.insert(inputs, runAt);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Resolves when `count` more were handled. @throws Error saying how far it came by `boundMs` */
async function untilHandled(count, boundMs) {
  const goal = handled + count;
  const { promise, resolve } = withResolvers();
  onHandled = () => {
    if (handled >= goal) resolve(true);
  };
  const timer = setTimeout(() => resolve(false), boundMs);
  const done = await promise;
  clearTimeout(timer);
  onHandled = () => undefined;
  if (!done) {
    const came = count - (goal - handled);
    throw new Error(
      `only ${came.toLocaleString('en')} of ${count.toLocaleString('en')} jobs ran within ${boundMs / 1_000} s`,
    );
  }
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers() {
  let resolve;
  const promise = new Promise((yes) => {
    resolve = yes;
  });
  return { promise, resolve };
}

/** Finished means recorded as finished, not that the handlers ran. */
async function untilRecorded(boundMs) {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const left = await system.remaining();
    if (left === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${left} jobs were never recorded as finished, though all ran`);
    await sleep(5);
  }
}

async function work(profile) {
  await system.work((input) => {
    handled += 1;
    if (input.at !== undefined) delays.push(clock() - input.at);
    onHandled();
  }, profile);
}

function memory() {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, used: heapUsed + external };
}

serve(
  {
    async open({ target, install }) {
      system = await adapter.open(target);
      if (install) await system.install();
      return { node: process.versions.node };
    },

    /** Bulk enqueue as this system does it best. */
    async bulk({ count, runInMs }) {
      const started = performance.now();
      await insertAll(count, runInMs === undefined ? undefined : new Date(Date.now() + runInMs));
      return { ms: performance.now() - started };
    },

    /** `callers` callers, each awaiting its own job before the next. */
    async singles({ callers, durationMs }) {
      const started = performance.now();
      const deadline = started + durationMs;
      let count = 0;
      const call = async () => {
        while (performance.now() < deadline) {
          await system.add(inputOf(count));
          count += 1;
        }
      };
      await Promise.all(Array.from({ length: callers }, call));
      return { count, ms: performance.now() - started };
    },

    /** Starts the worker and takes the time until all is recorded as finished. */
    async drain({ count, boundMs }) {
      const cpu = process.cpuUsage();
      const started = performance.now();
      const all = untilHandled(count, boundMs);
      await Promise.all([work('throughput'), all]);
      await untilRecorded(60_000);
      const ms = performance.now() - started;
      const { user, system: kernel } = process.cpuUsage(cpu);
      return { ms, cpuUs: user + kernel, handled, violations: system.violations?.() ?? 0 };
    },

    async work({ profile }) {
      await work(profile);
    },

    /** Waits for `count` more jobs while the worker runs already. */
    async handle({ count, boundMs }) {
      await untilHandled(count, boundMs);
    },

    handled: async () => ({ handled, at: performance.now() }),
    memory: async () => memory(),
    remaining: async () => ({ remaining: await system.remaining() }),

    /** Lone jobs with a pause after each, so that every one finds an idle system. */
    async trickle({ count }) {
      for (let n = 0; n < count; n += 1) {
        await system.add({ ...inputOf(n), at: clock() });
        await sleep(15 + Math.random() * 15);
      }
    },

    async delays({ count, boundMs }) {
      if (delays.length < count) await untilHandled(count - handled, boundMs);
      return { delays: delays.splice(0) };
    },
  },
  async () => system?.close(),
);
