import { defineSection } from '../../../config/section.js';
import { integer, text } from '../../../config/setting.js';
import { isLoopbackHost } from '../../../foundation/loopback.js';

export const metricsPortSection = defineSection({
  name: 'metrics',
  settings: {
    port: integer({
      env: 'METRICS_PORT',
      help: 'Port on which a thread of its own serves GET /metrics, also while the process is too busy to answer and in one that is only a worker; 0 takes a free one. Unset: none.',
      fallback: undefined,
      min: 0,
      max: 65_535,
    }),
    host: text({
      env: 'METRICS_HOST',
      help: 'Address of METRICS_PORT. Anything but loopback needs METRICS_TOKEN.',
      fallback: '127.0.0.1',
      maxLength: 255,
    }),
    token: text({
      env: 'METRICS_TOKEN',
      help: 'What scrapers of METRICS_PORT send as `Authorization: Bearer TOKEN`; it opens nothing else.',
      secret: true,
      fallback: undefined,
      minLength: 16,
      maxLength: 512,
    }),
  },
  check: ({ port, host, token }) => [
    ...(port !== undefined && token === undefined && !isLoopbackHost(host)
      ? [
          `METRICS_HOST ${host} can be reached from other machines: set METRICS_TOKEN to at least 16 random characters, or METRICS_HOST to 127.0.0.1`,
        ]
      : []),
    // What a header cannot carry unchanged could never be matched.
    ...(token === undefined || /^[\x21-\x7e]+$/.test(token)
      ? []
      : ['METRICS_TOKEN may only have printable ASCII characters and no spaces']),
  ],
});
