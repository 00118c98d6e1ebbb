/** `callers` callers in one process, each waiting for its own job to be accepted before the next. */
export function singleEnqueue({ callers }) {
  return (stage, name, { quick }) =>
    stage.with(name, async ({ start, settle }) => {
      const producer = await start();
      await settle();
      await producer.call('singles', { callers, durationMs: stage.size(500) });
      const { count, ms } = await producer.call('singles', {
        callers,
        durationMs: stage.size(quick ? 2_000 : 10_000),
      });
      return { rate: (count * 1_000) / ms };
    });
}
