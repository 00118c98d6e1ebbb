// The load, in a process of its own.
import autocannon from 'autocannon';
import { serve } from '../lib/process.mjs';

const body = JSON.stringify({
  task: 'bench.note',
  input: { n: 1, to: 'user-1@example.org', text: 'thirty bytes or so of a text' },
});

serve({
  async load({ url, connections, durationMs }) {
    const result = await autocannon({
      url: `${url}/jobs`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      connections,
      duration: Math.max(1, Math.round(durationMs / 1_000)),
    });
    const failed = result.non2xx + result.errors + result.timeouts;
    return {
      rate: result['2xx'] / result.duration,
      accepted: result['2xx'],
      failed,
      p50: result.latency.p50,
      p99: result.latency.p99,
    };
  },
});
