import { defineErrors } from '../foundation/errors.js';

export const configErrors = defineErrors({
  config_invalid: {
    status: 500,
    retryable: false,
    title: 'The configuration has errors; nothing was started.',
  },
});
