/** Fills an empty store, then takes the time of one worker process from its start to the last record. */
export async function drainOf(stage, name, { count, boundMs }) {
  return stage.with(name, async ({ start, settle }) => {
    const filler = await start();
    await filler.call('bulk', { count }, boundMs);
    await filler.stop();
    await settle();
    const worker = await start();
    return drainBy(worker, { count, boundMs });
  });
}

export async function drainBy(worker, { count, boundMs }) {
  const { ms, cpuUs, handled, violations } = await worker.call('drain', { count, boundMs }, boundMs + 90_000);
  return { rate: (count * 1_000) / ms, cpuUsPerJob: cpuUs / count, twice: handled - count, violations };
}
