import { InvalidArgumentError } from 'commander';

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

/** A parser for a point in time. */
export function dateArgument(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time such as 2030-01-31T12:00:00Z.');
  }
  return date;
}
