import { bulkEnqueue } from './bulk-enqueue.mjs';
import { drain50k } from './drain-50k.mjs';
import { drain500k } from './drain-500k.mjs';
import { drainWithHistory } from './drain-with-history.mjs';
import { http } from './http.mjs';
import { idleLatency } from './idle-latency.mjs';
import { keys } from './keys.mjs';
import { memory } from './memory.mjs';
import { nodeTimePerJob } from './node-time-per-job.mjs';
import { overhead } from './overhead.mjs';
import { singleEnqueue10 } from './single-enqueue-10.mjs';
import { singleEnqueue64 } from './single-enqueue-64.mjs';
import { steadyLoad } from './steady-load.mjs';

/**
 * Each measure: `name`; `quick`, whether a quick run has it; `contenders`, run in turn in every round;
 * `maxRounds` for the long ones; `run(stage, contender, {quick})`, one sample of one contender, bounded in time;
 * `rows`, what is read from the samples:
 *   measure, unit, better, goal, acceptedFrom, judgedBy ('ratio' to the best opponent, or our own 'value'),
 *   strictly (more than, not as much as), opponents (default: every other contender), take(sample),
 *   baselines {name: take}, figures of our own sample that stand as opponents.
 */
export const measures = [
  drain50k,
  bulkEnqueue,
  singleEnqueue10,
  singleEnqueue64,
  idleLatency,
  drain500k,
  drainWithHistory,
  nodeTimePerJob,
  memory,
  keys,
  overhead,
  http,
  steadyLoad,
];
