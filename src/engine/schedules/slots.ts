import { Cron } from 'croner';
import { type FieldProblem, messageOf } from '../../foundation/errors.js';
import { engineErrors } from '../errors.js';

/**
 * The instants at which a cron expression is due, each a whole second. A pure function of expression,
 * time zone and the instant that is asked about: no clock is read.
 *
 * Daylight saving: in an expression whose seconds, minutes and hours are all fixed (no `*`, `?` or step), a
 * time that the clocks skip is due at the first moment after the gap, and a time that comes twice is due the
 * first time only. Any other expression follows the clocks: skipped times are not due, repeated ones twice.
 */
export interface CronSlots {
  /** The first slot later than `instant`; `undefined` when none comes any more. */
  after(instant: Date): Date | undefined;
  /** The newest `limit` slots up to `instant`, that one included, oldest first. */
  upTo(instant: Date, limit: number): Date[];
}

const fieldsPattern = /^\s*\S+(\s+\S+){4,5}\s*$/;
const nicknamePattern = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/i;
/** Offsets such as `+02:00` are no zones: some versions of Node take them, and they know no daylight saving. */
const zonePattern = /^[a-z][a-z0-9_+/-]{1,63}$/i;

/** What is wrong with an expression and its time zone. */
export function cronProblems(expression: string, timeZone: string): FieldProblem[] {
  if (!isTimeZone(timeZone)) {
    return [
      { field: 'timeZone', message: 'must be a time zone of the IANA database, such as Europe/Berlin' },
    ];
  }
  if (!fieldsPattern.test(expression) && !nicknamePattern.test(expression)) {
    return [{ field: 'cron', message: 'must have 5 fields, or 6 with seconds first' }];
  }
  try {
    const comes = toSlots(expression, timeZone).after(new Date(0)) !== undefined;
    return comes ? [] : [{ field: 'cron', message: 'names a time that never comes' }];
  } catch (error) {
    // Neither clock nor database take part: whatever is thrown is the expression's fault.
    return [{ field: 'cron', message: `is no cron expression (${messageOf(error)})` }];
  }
}

/** @throws schedule_invalid; also for a stored one, when this process's time zones lack its own */
export function cronSlots(expression: string, timeZone: string): CronSlots {
  const fields = cronProblems(expression, timeZone);
  if (fields.length > 0) {
    const text = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw engineErrors.schedule_invalid(`"${expression}" in ${timeZone}: ${text}`, { fields });
  }
  return toSlots(expression, timeZone);
}

function toSlots(expression: string, timeZone: string): CronSlots {
  // Without a function to call it starts no timer.
  const cron = new Cron(expression, {
    mode: '5-or-6-parts',
    timezone: timeZone,
    fixedTimeRule: 'no-wildcard',
  });
  return Object.freeze({
    after: (instant: Date) => cron.nextRun(instant) ?? undefined,
    upTo: (instant: Date, limit: number) => {
      // It leaves out the instant that it is asked about; half a second later, and no other slot comes in.
      const justAfter = new Date(Math.floor(instant.getTime() / 1_000) * 1_000 + 500);
      return cron.previousRuns(limit, justAfter).reverse();
    },
  });
}

function isTimeZone(name: string): boolean {
  if (!zonePattern.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
