import { defineErrors, type FieldProblem, type SignalboxError } from '../foundation/errors.js';

/**
 * 400: the request cannot be read at all. 422: it can, and what it says is wrong. Both name every field
 * that is at fault.
 */
export const httpErrors = defineErrors({
  body_malformed: { status: 400, retryable: false, title: 'The body cannot be read.' },
  body_missing: { status: 400, retryable: false, title: 'The request needs a body.' },
  body_truncated: { status: 400, retryable: true, title: 'The body ended before it was complete.' },
  encoding_invalid: {
    status: 400,
    retryable: false,
    title: 'The request holds bytes that are not valid UTF-8.',
  },
  request_malformed: { status: 400, retryable: false, title: 'The request is not valid HTTP.' },
  permission_denied: { status: 403, retryable: false, title: 'The caller lacks the permission.' },
  cross_site: { status: 403, retryable: false, title: 'Another web site may not act here.' },
  route_not_found: { status: 404, retryable: false, title: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, retryable: false, title: 'The path exists, but not for this method.' },
  request_timeout: { status: 408, retryable: true, title: 'The request did not arrive in time.' },
  body_too_large: { status: 413, retryable: false, title: 'The body is larger than allowed.' },
  form_too_large: { status: 413, retryable: false, title: 'The form has more parts than allowed.' },
  file_too_large: { status: 413, retryable: false, title: 'The file is larger than allowed.' },
  url_too_long: { status: 414, retryable: false, title: 'A part of the URL is longer than allowed.' },
  media_type_unsupported: {
    status: 415,
    retryable: false,
    title: 'The body is of a type that is not accepted here.',
  },
  host_not_allowed: {
    status: 421,
    retryable: false,
    title: 'Without credentials only loopback names are served.',
  },
  fields_invalid: { status: 422, retryable: false, title: 'Fields of the request are not valid.' },
  headers_too_large: { status: 431, retryable: false, title: 'The request headers are larger than allowed.' },
  internal_error: { status: 500, retryable: false, title: 'Something went wrong here; the log says what.' },
  shutting_down: { status: 503, retryable: true, title: 'The server is shutting down.' },
  too_many_streams: {
    status: 503,
    retryable: true,
    title: 'The server has no room for another event stream.',
  },
});

/** More problems than this help nobody and would let a small body ask for a large answer. */
const maxProblems = 50;
const maxFieldLength = 200;

/** One error out of many problems; each field name is cut to what is fit to repeat. */
export function fieldsInvalid(
  problems: readonly FieldProblem[],
  build: typeof httpErrors.fields_invalid = httpErrors.fields_invalid,
): SignalboxError {
  const fields = problems
    .slice(0, maxProblems)
    .map(({ field, message }) => ({ field: field.slice(0, maxFieldLength).toWellFormed(), message }));
  const text = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : '';
  return build(`${text.slice(0, 2_000)}${more}.`, { fields });
}

/** The error for one field, named as the caller wrote it: `input.tier`, `limit`, `Last-Event-ID`. */
export function fieldInvalid(field: string, message: string): SignalboxError {
  return fieldsInvalid([{ field, message }]);
}
