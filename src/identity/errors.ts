import { defineErrors } from '../foundation/errors.js';

export const identityErrors = defineErrors({
  credentials_missing: {
    status: 401,
    retryable: false,
    title: 'The request carries no credentials.',
  },
  credentials_invalid: {
    status: 401,
    retryable: false,
    title: 'The credentials are not valid.',
  },
  credentials_required: {
    status: 500,
    retryable: false,
    title: 'The server would be reachable by others, and no credentials are configured.',
  },
});
