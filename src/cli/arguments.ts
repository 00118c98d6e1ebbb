import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/units.js';

/** A parser for whole numbers in a range. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^-?\d+$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

/** A parser for JSON. */
export function jsonArgument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It must be JSON, such as \'{"name": "value"}\'.');
  }
}

/** A parser for durations. @returns milliseconds */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0)
    throw new InvalidArgumentError('It must be a duration such as 30m or 2h.');
  return ms;
}

/** A parser for `name=value`, which may be given again and again. */
export function labelArgument(text: string, before: Readonly<Record<string, string>>) {
  const [name = '', ...rest] = text.split('=');
  if (name === '' || rest.length === 0) {
    throw new InvalidArgumentError('It must be a name and a value, such as queue=images.');
  }
  return { ...before, [name]: rest.join('=') };
}

/** A parser for a point in time. */
export function dateArgument(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time such as 2030-01-31T12:00:00Z.');
  }
  return date;
}
