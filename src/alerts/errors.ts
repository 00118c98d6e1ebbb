import { defineErrors } from '../foundation/errors.js';

export const alertErrors = defineErrors({
  alert_not_found: { status: 404, retryable: false, title: 'There is no such alert.' },
  alert_not_open: { status: 404, retryable: false, title: 'There is no such open alert.' },
});
