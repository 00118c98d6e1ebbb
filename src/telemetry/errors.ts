import { defineErrors } from '../foundation/errors.js';

export const telemetryErrors = defineErrors({
  metrics_port_unavailable: {
    status: 500,
    retryable: false,
    title: 'The metrics cannot be served on METRICS_PORT.',
  },
});
