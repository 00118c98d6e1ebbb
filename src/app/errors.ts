import { defineErrors } from '../foundation/errors.js';

export const appErrors = defineErrors({
  tasks_unreadable: {
    status: 500,
    retryable: false,
    title: 'The folder of tasks could not be loaded.',
  },
  address_unavailable: {
    status: 500,
    retryable: false,
    title: 'The server cannot listen on its address.',
  },
});
