import type { NoticeKind } from '../message.js';
import type { Entry } from './entry.js';

export interface Sendable {
  readonly entry: Entry;
  readonly as: NoticeKind;
}

/** Failures that the receiver answered, after which a message's content may be to blame. */
const suspectTries = 3;

/**
 * What goes out in the next message: everything that is due, up to `max`, oldest first. Subjects whose messages the
 * receiver could not take some times come after all others, and one by one while it goes on failing: what nobody can
 * take must not keep back the rest. All about one subject keeps its order.
 */
export function nextBatch(
  sendables: readonly Sendable[],
  channel: { readonly max: number; readonly failing: boolean },
): readonly Sendable[] {
  const tries = new Map<string, number>();
  for (const { entry } of sendables) {
    tries.set(entry.fingerprint, Math.max(tries.get(entry.fingerprint) ?? 0, entry.tries));
  }
  const triesOf = ({ entry }: Sendable) => tries.get(entry.fingerprint) ?? 0;
  const fresh = sendables.filter((one) => triesOf(one) < suspectTries);
  if (fresh.length > 0) return byTime(fresh).slice(0, channel.max);
  const suspects = byTime(sendables).sort((a, b) => triesOf(a) - triesOf(b));
  const first = suspects[0];
  const alone = suspects.filter(({ entry }) => entry.fingerprint === first?.entry.fingerprint);
  return (channel.failing ? byTime(alone) : suspects).slice(0, channel.max);
}

function byTime(sendables: readonly Sendable[]): Sendable[] {
  return [...sendables].sort(
    ({ entry: a }, { entry: b }) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1),
  );
}
