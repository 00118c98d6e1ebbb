import { formatAge, formatClock } from '../display/format.js';
import { Icon, type IconName } from '../display/icon.js';
import { useFreshness } from './freshness.js';
import type { Connection, FeedSnapshot } from './overview-feed.js';

const looks: Record<Connection, { icon: IconName; className: string }> = {
  connecting: { icon: 'wave', className: 'text-muted' },
  live: { icon: 'pulse', className: 'text-state-live' },
  reconnecting: { icon: 'retry', className: 'text-state-retrying' },
  stale: { icon: 'alert', className: 'text-state-dead' },
  paused: { icon: 'pause', className: 'text-muted' },
  unauthorized: { icon: 'key', className: 'text-state-dead' },
};

export function connectionWord(feed: Pick<FeedSnapshot, 'connection' | 'receivedAt'>): string {
  switch (feed.connection) {
    case 'connecting':
      return 'Connecting';
    case 'live':
      return 'Live';
    case 'reconnecting':
      return 'Reconnecting';
    case 'stale':
      return feed.receivedAt === null ? 'No answer' : `Stale since ${formatClock(feed.receivedAt)}`;
    case 'paused':
      return 'Paused';
    case 'unauthorized':
      return 'Key needed';
    default:
      return feed.connection satisfies never;
  }
}

/** How true the page is right now, and how old its numbers are. */
export function ConnectionChip({ feed }: { feed: FeedSnapshot }) {
  const { ageMs } = useFreshness();
  const look = looks[feed.connection];
  const showAge = ageMs !== null && feed.connection !== 'stale';
  return (
    <span className="inline-flex items-center gap-2 text-xs" title={feed.problem?.message}>
      <span role="status" className={`inline-flex items-center gap-1.5 font-medium ${look.className}`}>
        <Icon name={look.icon} />
        {connectionWord(feed)}
      </span>
      {showAge && (
        <span className="text-muted tabular-nums">
          <span className="max-sm:hidden">updated </span>
          {formatAge(ageMs)} ago
        </span>
      )}
    </span>
  );
}
