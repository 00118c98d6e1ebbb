import { type ErrorFactory, isSignalboxError, messageOf, type SignalboxError } from '../foundation/errors.js';
import { httpErrors } from './errors.js';

/** What the HTTP libraries throw, by their stable code. Everything else they throw is a fault of ours. */
const known: Readonly<Record<string, readonly [ErrorFactory, string]>> = {
  ECONNRESET: [httpErrors.body_truncated, 'The connection ended in the middle of the body.'],
  FST_ERR_BAD_URL: [httpErrors.encoding_invalid, 'The path is not validly percent-encoded UTF-8.'],
  FST_ERR_CTP_BODY_TOO_LARGE: [httpErrors.body_too_large, 'The body is larger than this route accepts.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [httpErrors.body_missing, 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    httpErrors.body_truncated,
    'The body is not as long as Content-Length says.',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: [httpErrors.body_malformed, 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    httpErrors.media_type_unsupported,
    'The Content-Type is missing or not accepted here.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: [httpErrors.url_too_long, 'A part of the path is longer than allowed.'],
  FST_ERR_NOT_FOUND: [httpErrors.route_not_found, 'There is nothing at this path.'],
  FST_FIELDS_LIMIT: [httpErrors.form_too_large, 'The form has more fields than this route accepts.'],
  FST_FILES_LIMIT: [httpErrors.form_too_large, 'The form has more files than this route accepts.'],
  FST_PARTS_LIMIT: [httpErrors.form_too_large, 'The form has more parts than this route accepts.'],
  FST_INVALID_JSON_FIELD_ERROR: [
    httpErrors.body_malformed,
    'A part of the form says that it is JSON, and is not.',
  ],
  FST_INVALID_MULTIPART_CONTENT_TYPE: [
    httpErrors.media_type_unsupported,
    'The body must be multipart/form-data.',
  ],
  FST_MP_PREMATURE_CLOSE: [httpErrors.body_truncated, 'The connection ended in the middle of the form.'],
  FST_PROTO_VIOLATION: [httpErrors.body_malformed, 'A form field has a name that is not allowed.'],
  FST_REQ_FILE_TOO_LARGE: [httpErrors.file_too_large, 'The file is larger than this route accepts.'],
};

/** Any thrown value as an error of ours. What is not known becomes `internal_error`, with the thrown value as cause. */
export function typedError(thrown: unknown): SignalboxError {
  if (isSignalboxError(thrown)) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const entry = typeof code === 'string' && Object.hasOwn(known, code) ? known[code] : undefined;
  if (entry === undefined) return httpErrors.internal_error(messageOf(thrown), { cause: thrown });
  const [build, message] = entry;
  return build(message, { cause: thrown });
}
