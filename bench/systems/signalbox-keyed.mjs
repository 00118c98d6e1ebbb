import * as signalbox from './signalbox.mjs';

const limit = 1;

/** Signalbox with a limit for each recipient; the handlers themselves count how many of one run at once. */
export async function open(target) {
  const active = new Map();
  let violations = 0;
  const system = await signalbox.open(target, {
    concurrency: ({ to }) => ({ key: to, limit }),
  });
  return {
    ...system,
    violations: () => violations,
    work: (handler, profile) =>
      system.work(async (input) => {
        const now = (active.get(input.to) ?? 0) + 1;
        active.set(input.to, now);
        if (now > limit) violations += 1;
        // A turn of the event loop, in which others of the key could begin.
        await new Promise(setImmediate);
        active.set(input.to, active.get(input.to) - 1);
        return handler(input);
      }, profile),
  };
}
