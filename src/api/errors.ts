import { defineErrors } from '../foundation/errors.js';

export const apiErrors = defineErrors({
  task_not_open: { status: 403, retryable: false, title: 'The task cannot be enqueued over HTTP.' },
  form_unknown: { status: 422, retryable: false, title: 'No task takes a form with these fields.' },
});
