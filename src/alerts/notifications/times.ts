import type { Backoff } from '../../foundation/backoff.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Edges wait so long for others that go out with them. */
export const groupWaitMs = 2 * second;
/** What could not be delivered for so long is given up; a still firing alert is told anew. */
export const expiryMs = 24 * hour;
/** One attempt may take so long. */
export const sendTimeoutMs = 10 * second;
/** A sender that has not recorded an outcome for so long counts as dead. More than an attempt takes. */
export const claimMs = 30 * second;
/** A notification that no worker has taken for so long is sent past the engine. */
export const escapeAfterMs = 10 * second;
/** Between attempts at a channel that fails. */
export const retryBackoff: Backoff = Object.freeze({
  initialMs: 5 * second,
  factor: 2,
  maxMs: 15 * minute,
  jitter: 0.3,
});
/** A receiver that says to come back later than this is asked after this time. */
export const maxRetryAfterMs = hour;
/** A new edge makes a failing channel be tried again so soon. */
export const newEdgeRetryMs = 5 * second;

/** Between two messages about an alert that fires on and nobody acknowledged; the last repeats. */
export const reminderMs: readonly number[] = Object.freeze([hour, 4 * hour, 24 * hour]);
/** After a firing alert's message was given up or rejected. */
export const retellMs = hour;

/** More edges than this within the window are flapping. */
export const maxEdges = 4;
export const flapWindowMs = hour;
/** Flapping ends after so long without an edge. */
export const stableMs = 30 * minute;

/** What is over is kept so long. */
export const keepMs = 7 * 24 * hour;
