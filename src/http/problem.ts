import { z } from 'zod';
import type { SignalboxError } from '../foundation/errors.js';

export const problemMediaType = 'application/problem+json';

/** The body of every error answer (RFC 9457). Programs branch on `code`, people read `detail`. */
export const problemSchema = z
  .object({
    type: z.string().describe('`urn:signalbox:error:<code>`'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable: what programs branch on'),
    request_id: z.string().describe('The same as in `X-Request-Id` and in the log'),
    retryable: z.boolean().describe('Whether the same request may succeed later'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('What is wrong, field by field'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemSchema>;

/**
 * From 500 up the message may name hosts, files or texts of others: the caller gets the title, and the
 * request id by which the log can be searched.
 */
export function toProblem(error: SignalboxError, requestId: string): Problem {
  return {
    type: `urn:signalbox:error:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.status >= 500 ? error.title : error.message.toWellFormed(),
    code: error.code,
    request_id: requestId,
    retryable: error.retryable,
    ...(error.fields.length > 0
      ? { errors: error.fields.map(({ field, message }) => ({ field, message })) }
      : {}),
  };
}

/** Response schema for the error answers of a route: `response: { 200: …, ...problems(404, 409) }`. */
export function problems<const S extends number>(
  ...statuses: readonly S[]
): Record<S | '4xx', ProblemResponse> {
  const response: ProblemResponse = {
    description: 'What went wrong',
    content: { [problemMediaType]: { schema: problemSchema } },
  };
  const all = [...statuses.map((status) => [status, response] as const), ['4xx', response] as const];
  return Object.fromEntries(all) as Record<S | '4xx', ProblemResponse>;
}

interface ProblemResponse {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: typeof problemSchema }>>;
}
