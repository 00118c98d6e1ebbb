/**
 * What a worker does itself (stop a cancelled job, end an attempt whose time is over) the leader does for it when it
 * has not been done this many milliseconds later.
 */
export const enforcementGraceMs = 30_000;
