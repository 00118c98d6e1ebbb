import type { Notifications } from '../database/notifications.js';
import type { GateKind } from './sql/gates.js';

/** The channel on which the database tells what moved. */
export const changeChannel = 'signalbox';

/** Something moved. A hint, never a fact: it may be missed, so whoever listens also polls. */
export type Change =
  | { readonly kind: 'job'; readonly id: string }
  /** More jobs moved than can be named. */
  | { readonly kind: 'jobs' }
  | { readonly kind: 'queue'; readonly name: string }
  /** Somebody set this worker's concurrency, or wants it to drain. */
  | { readonly kind: 'worker'; readonly id: string }
  /** A queue or task was paused or closed. */
  | { readonly kind: 'gate'; readonly gate: GateKind; readonly name: string }
  /** Notifications may have been missed: look at everything. */
  | { readonly kind: 'resync' };

export function subscribeToChanges(
  notifications: Notifications,
  handler: (change: Change) => void,
): () => void {
  return notifications.subscribe((payload) => handler(parseChange(payload)));
}

function parseChange(payload: string): Change {
  const colon = payload.indexOf(':');
  const rest = payload.slice(colon + 1);
  switch (payload.slice(0, Math.max(colon, 0))) {
    case 'job':
      return { kind: 'job', id: rest };
    case 'jobs':
      return { kind: 'jobs' };
    case 'worker':
      return { kind: 'worker', id: rest };
    case 'queue':
      return { kind: 'queue', name: rest };
    case 'gate':
      return parseGate(rest);
    default:
      return { kind: 'resync' };
  }
}

function parseGate(rest: string): Change {
  const [gate = '', ...name] = rest.split(':');
  if (gate !== 'queue' && gate !== 'task') return { kind: 'resync' };
  return { kind: 'gate', gate, name: name.join(':') };
}
