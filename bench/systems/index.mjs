/**
 * The systems of the comparison. Each has an adapter of its name beside this file, which runs in a process of
 * its own and exports `open(target)`, giving:
 *
 *   bulk {chunk, lanes}    how this system likes its bulk: jobs a call, calls at once
 *   install()              schema or queue, in an empty store
 *   insert(inputs, runAt?) one bulk call
 *   add(input)             one job; durable, or as durable as the system makes it, when it resolves
 *   work(handler, profile) starts its worker; `profile` is 'throughput' or 'latency'
 *   remaining()            jobs that wait or run
 *   violations?()          how often a limit was exceeded
 *   close()
 */
export const systems = {
  signalbox: { store: 'postgres', ours: true },
  'graphile-worker': { store: 'postgres' },
  'pg-boss': { store: 'postgres' },
  bullmq: { store: 'redis' },
  'signalbox-keyed': { store: 'postgres', ours: true, variant: true },
  'signalbox-observed': { store: 'postgres', ours: true, variant: true },
  'signalbox-traced': { store: 'postgres', ours: true, variant: true },
};

export const everybody = Object.keys(systems).filter((name) => !systems[name].variant);
export const postgresPeers = everybody.filter(
  (name) => systems[name].store === 'postgres' && !systems[name].ours,
);
