import { defineErrors } from '../foundation/errors.js';

export const engineErrors = defineErrors({
  task_unknown: {
    status: 422,
    retryable: false,
    title: 'No task of that name is known to this process.',
  },
  task_duplicate: {
    status: 500,
    retryable: false,
    title: 'Two tasks have the same name.',
  },
  input_invalid: {
    status: 422,
    retryable: false,
    title: 'The input does not fit the task.',
  },
  unique_key_busy: {
    status: 503,
    retryable: true,
    title: 'The unique key could not be taken.',
  },
  limit_invalid: {
    status: 422,
    retryable: false,
    title: 'The limit cannot be set.',
  },
  worker_not_found: {
    status: 404,
    retryable: false,
    title: 'There is no such worker.',
  },
  job_not_found: {
    status: 404,
    retryable: false,
    title: 'There is no such job.',
  },
  job_not_cancellable: {
    status: 409,
    retryable: false,
    title: 'The job has ended and cannot be cancelled.',
  },
  job_not_retryable: {
    status: 409,
    retryable: false,
    title: 'Only failed or cancelled jobs can be retried.',
  },
  schedule_not_found: {
    status: 404,
    retryable: false,
    title: 'There is no such schedule.',
  },
  schedule_invalid: {
    status: 422,
    retryable: false,
    title: 'The schedule is not well formed.',
  },
  schedule_in_code: {
    status: 409,
    retryable: false,
    title: 'The schedule is declared in code and can be changed only there.',
  },
});
