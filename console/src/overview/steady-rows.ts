import { useRef, useState } from 'react';

interface Row {
  readonly id: string;
}

export interface SteadyRows<Item> {
  readonly rows: readonly Item[];
  /** How many newer ones are held back. */
  readonly heldBack: number;
  readonly hold: () => void;
  readonly release: () => void;
}

/** Keeps rows where they are while they are held, for instance under a pointer; their contents go on changing. */
export function useSteadyRows<Item extends Row>(incoming: readonly Item[]): SteadyRows<Item> {
  const [held, setHeld] = useState<readonly Item[] | null>(null);
  const latest = useRef(incoming);
  latest.current = incoming;
  const hold = () => setHeld((now) => now ?? latest.current);
  const release = () => setHeld(null);
  if (held === null) return { rows: incoming, heldBack: 0, hold, release };
  const byId = new Map(incoming.map((row) => [row.id, row]));
  const known = new Set(held.map((row) => row.id));
  return {
    rows: held.map((row) => byId.get(row.id) ?? row),
    heldBack: incoming.filter((row) => !known.has(row.id)).length,
    hold,
    release,
  };
}
