import { defineErrors } from '../../foundation/errors.js';

export const notificationErrors = defineErrors({
  channel_unknown: { status: 404, retryable: false, title: 'There is no such notification channel.' },
  silence_invalid: { status: 422, retryable: false, title: 'The silence does not say what it must.' },
  silence_not_found: {
    status: 404,
    retryable: false,
    title: 'There is no such silence, or it is over.',
  },
});
