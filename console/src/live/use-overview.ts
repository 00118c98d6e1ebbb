import { useEffect, useState, useSyncExternalStore } from 'react';
import { type FeedSnapshot, OverviewFeed } from './overview-feed.js';

export interface LiveOverview extends FeedSnapshot {
  /** Paused by the button; a hidden tab pauses too and goes on by itself. */
  readonly paused: boolean;
  readonly setPaused: (paused: boolean) => void;
  readonly restart: () => void;
}

/** The overview, live for as long as the component is mounted and its tab is seen. */
export function useOverview(): LiveOverview {
  const [feed] = useState(() => new OverviewFeed());
  const [paused, setPaused] = useState(false);
  const snapshot = useSyncExternalStore(feed.subscribe, feed.getSnapshot);

  useEffect(() => {
    const look = () => feed.setHidden(document.visibilityState === 'hidden');
    look();
    document.addEventListener('visibilitychange', look);
    feed.start();
    return () => {
      document.removeEventListener('visibilitychange', look);
      feed.stop();
    };
  }, [feed]);

  useEffect(() => feed.setPaused(paused), [feed, paused]);

  return { ...snapshot, paused, setPaused, restart: () => feed.restart() };
}
