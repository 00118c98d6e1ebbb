import { defineErrors } from '../foundation/errors.js';

export const storageErrors = defineErrors({
  object_not_found: { status: 404, retryable: false, title: 'There is no such object.' },
  object_too_large: { status: 413, retryable: false, title: 'The object is larger than allowed.' },
  object_key_invalid: { status: 500, retryable: false, title: 'The key of an object is not valid.' },
  object_range_invalid: { status: 416, retryable: false, title: 'The range lies outside the object.' },
  storage_unavailable: { status: 503, retryable: true, title: 'The storage cannot be read or written.' },
});
