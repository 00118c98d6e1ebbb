import { keyLimits, narrowLimit } from '../process/tasks.mjs';
import { spansOf } from './spans.mjs';

/** Two programs read one clock. */
const clockMs = 20;

/**
 * Limits hold at every instant. Handlers say by the database's clock when they began and ended; an attempt counts
 * from its handler's beginning until its handler's end, or until the engine ended the attempt: whoever is frozen,
 * killed, or deaf to its signal may still be at it, but by then the slot is somebody else's by right.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function limits(history, report) {
  const { jobs, gatekeeper } = history;
  const groups = new Map();
  for (const span of spansOf(history)) {
    const { task, limitKey } = jobs.get(span.jobId);
    if (limitKey !== null) put(groups, `key ${limitKey}`, span);
    if (task === 'narrow' || task === 'gated') put(groups, `task ${task}`, span);
  }
  for (const [name, spans] of groups) {
    const key = name.startsWith('key ') ? name.slice(4) : undefined;
    const allowed = (span) => {
      if (key !== undefined) return keyLimits[key];
      return name === 'task narrow' ? narrowLimit : highest(gatekeeper.limits, span.claimed, span.start);
    };
    checkLimit(name, spans, allowed, report);
  }
  for (const { jobId, claimed } of groups.get('task gated') ?? []) {
    const pause = gatekeeper.pauses.find(
      ({ from, to }) => claimed > from + clockMs && claimed < to - clockMs,
    );
    if (pause === undefined) continue;
    report.add('ran_while_paused', jobId, `was claimed ${claimed - pause.from} ms after its task was paused`);
  }
}

function checkLimit(name, spans, allowed, report) {
  const sorted = [...spans].sort((a, b) => a.start - b.start);
  let running = [];
  for (const span of sorted) {
    running = running.filter(({ end }) => end > span.start);
    running.push(span);
    const limit = allowed(span);
    if (running.length <= limit) continue;
    const others = running.map(({ jobId, attempt, process }) => `${jobId} (${attempt}, ${process})`);
    report.add(
      'limit_exceeded',
      span.jobId,
      `${name}: ${running.length} ran at ${new Date(span.start).toISOString()} and ${limit} may: ${others.join(', ')}`,
    );
  }
}

/** The most that could have been in force at some time from `from` to `to`. */
function highest(changes, from, to) {
  const inForce = changes.filter(({ asked }, n) => {
    const over = changes[n + 1]?.acked ?? Number.POSITIVE_INFINITY;
    return asked - clockMs <= to && over + clockMs >= from;
  });
  return Math.max(...inForce.map(({ maxRunning }) => maxRunning ?? Number.POSITIVE_INFINITY));
}

function put(groups, name, span) {
  groups.set(name, [...(groups.get(name) ?? []), span]);
}
