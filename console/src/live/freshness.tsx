import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { useNow } from './clock.js';
import type { FeedSnapshot } from './overview-feed.js';

export interface Freshness {
  /** How long ago the numbers came in; null before the first. */
  readonly ageMs: number | null;
  /** The server's time in ms, as far as it is known. Stands still while nothing new comes in. */
  readonly serverNow: number;
  /** How far `serverNow` is past the numbers: what a running duration may be moved on by. */
  readonly sinceMs: number;
}

const FreshnessContext = createContext<Freshness>({ ageMs: null, serverNow: 0, sinceMs: 0 });

/** Ages are measured against the server's clock, so that a browser's wrong clock shows no wrong age. */
export function FreshnessProvider({ feed, children }: { feed: FeedSnapshot; children: ReactNode }) {
  const now = useNow();
  const { overview, receivedAt, connection } = feed;
  const at = overview === null ? null : Date.parse(overview.at);
  const moving = connection !== 'stale' && connection !== 'paused';
  const value = useMemo((): Freshness => {
    if (at === null || receivedAt === null) return { ageMs: null, serverNow: now, sinceMs: 0 };
    const ageMs = Math.max(0, now - receivedAt);
    const sinceMs = moving ? ageMs : 0;
    return { ageMs, serverNow: at + sinceMs, sinceMs };
  }, [now, at, receivedAt, moving]);
  return <FreshnessContext value={value}>{children}</FreshnessContext>;
}

export const useFreshness = (): Freshness => useContext(FreshnessContext);
