/** For the tests of those who use the engine: `import { testEngine, performJob } from 'signalbox/testing'`. */
export type { DrainedAttempt, DrainOptions } from './drain.js';
export { type EnqueuedFilter, type TestEngineOptions, TestKit, testEngine } from './kit.js';
export { type PerformedJob, type PerformOptions, performJob } from './perform.js';
export type { RecordedLogLine } from './recorder.js';
export type { AttemptOutcome, ToldOutcome } from './told.js';
