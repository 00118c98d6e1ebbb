import { useFreshness } from '../live/freshness.js';
import { formatDistance, unknown } from './format.js';

/** An RFC 3339 time as a distance from now; the exact time is in the tooltip. */
export function When({ at }: { at: string | null }) {
  const { serverNow } = useFreshness();
  if (at === null) return <span>{unknown}</span>;
  return (
    <time dateTime={at} title={at} className="whitespace-nowrap">
      {formatDistance(Date.parse(at), serverNow)}
    </time>
  );
}
