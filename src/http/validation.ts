import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import type { FieldProblem } from '../foundation/errors.js';
import { fieldsInvalid } from './errors.js';
import { fieldName, unstorableStrings } from './unstorable.js';

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/**
 * Checks a value from outside. Every problem is found at once; `whole` names the value itself when it is
 * wrong as such (`body`), and `prefix` is put before each field (`input.`).
 */
export function check<S extends z.ZodType>(
  schema: S,
  value: unknown,
  { whole, prefix = '' }: { whole: string; prefix?: string },
): Checked<z.output<S>> {
  const result = schema.safeParse(value, withMessages);
  const unstorable = unstorableStrings(value, whole);
  if (result.success && unstorable.length === 0) return { ok: true, value: result.data };
  const problems = [
    ...unstorable,
    ...(result.error?.issues ?? []).flatMap((issue) => problemsOf(issue, whole)),
  ];
  return {
    ok: false,
    problems: problems.map(({ field, message }) => ({
      field: prefix !== '' && field === whole ? prefix.replace(/\.$/, '') : prefix + field,
      message,
    })),
  };
}

/** How Fastify asks: the schema of one part of the request in, a checker out. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data) => {
    // Fastify hands in null for a body that is not there.
    const value =
      httpPart === 'body' && data === null && schema.safeParse(undefined).success ? undefined : data;
    const checked = check(schema, value, {
      whole: httpPart === 'querystring' ? 'query' : (httpPart ?? 'body'),
    });
    return checked.ok ? { value: checked.value } : { error: fieldsInvalid(checked.problems) };
  };

/** @throws fields_invalid */
export function checkOrThrow<S extends z.ZodType>(
  schema: S,
  value: unknown,
  names: { whole: string; prefix?: string },
): z.output<S> {
  const checked = check(schema, value, names);
  if (!checked.ok) throw fieldsInvalid(checked.problems);
  return checked.value;
}

function problemsOf(issue: z.core.$ZodIssue, whole: string): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldName([...issue.path, key], whole),
      message: 'is not a known field here',
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The branch with the fewest problems is the one that was meant.
    const [meant = []] = [...issue.errors].sort((a, b) => a.length - b.length);
    return meant.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, whole));
  }
  return [{ field: fieldName(issue.path, whole), message: issue.message }];
}

/** Messages that read after a field's name. A schema's own message, where it has one, wins over these. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${article(issue.expected)}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is required';
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : 'has none of the accepted forms';
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `must match ${issue.pattern}`
        : `must be a valid ${formatName(issue.format)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    default:
      return undefined;
  }
}

const withMessages = { error: describe };

function bound(origin: string, word: string, amount: number): string {
  switch (origin) {
    case 'string':
      return `have ${word} ${amount} character${amount === 1 ? '' : 's'}`;
    case 'array':
    case 'set':
      return `have ${word} ${amount} item${amount === 1 ? '' : 's'}`;
    default:
      return `be ${word} ${amount}`;
  }
}

function article(type: string): string {
  if (type === 'int') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function formatName(format: string): string {
  if (format === 'uuid') return 'id (a UUID)';
  return format === 'datetime' ? 'time (RFC 3339, such as 2026-01-31T12:00:00Z)' : format;
}
