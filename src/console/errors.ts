import { defineErrors } from '../foundation/errors.js';

export const consoleErrors = defineErrors({
  console_not_built: {
    status: 503,
    retryable: false,
    title: 'The web console has not been built: run `npm run build`.',
  },
  console_file_not_found: { status: 404, retryable: false, title: 'The web console has no such file.' },
});
