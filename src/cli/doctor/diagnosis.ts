import { isSignalboxError, messageOf } from '../../foundation/errors.js';

/** What the doctor found in one place. */
export interface Diagnosis {
  readonly check: string;
  /** `unchecked`: nothing can be said, neither good nor bad. */
  readonly result: 'ok' | 'finding' | 'unchecked';
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it, a sentence or a command. */
  readonly remedy: string | null;
}

export function well(check: string, detail: string): Diagnosis {
  return Object.freeze({ check, result: 'ok', ok: true, detail, remedy: null });
}

export function finding(check: string, detail: string, remedy: string | null): Diagnosis {
  return Object.freeze({ check, result: 'finding', ok: false, detail, remedy });
}

function unchecked(check: string, error: unknown): Diagnosis {
  const remedy = isSignalboxError(error) && error.retryable ? 'Try again when the database answers.' : null;
  return Object.freeze({ check, result: 'unchecked', ok: false, detail: messageOf(error), remedy });
}

/** Runs one check; when it throws, the place could not be looked at, and the others still are. */
export async function examine(check: string, run: () => Promise<Diagnosis[]>): Promise<Diagnosis[]> {
  try {
    return await run();
  } catch (error) {
    return [unchecked(check, error)];
  }
}

/** 0: all is well; 1: something is not; 2: not everything could be looked at. */
export function exitCodeOf(diagnoses: readonly Diagnosis[]): 0 | 1 | 2 {
  if (diagnoses.some(({ result }) => result === 'unchecked')) return 2;
  return diagnoses.every(({ ok }) => ok) ? 0 : 1;
}
