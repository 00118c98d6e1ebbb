import type { JobSummary } from '../api/types.js';
import { formatDuration } from '../display/format.js';
import { useFreshness } from '../live/freshness.js';

/** Of the current or last attempt. Counts on while the attempt runs and news of it comes in. */
export function JobDuration({ job }: { job: Pick<JobSummary, 'status' | 'duration_ms' | 'started_at'> }) {
  const { serverNow } = useFreshness();
  if (job.status !== 'processing' || job.started_at === null) return <>{formatDuration(job.duration_ms)}</>;
  const running = Math.max(job.duration_ms ?? 0, serverNow - Date.parse(job.started_at));
  return <>{formatDuration(running)}</>;
}
