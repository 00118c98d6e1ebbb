import type { LiveOverview } from '../live/use-overview.js';
import { useUrlParam } from '../navigation/url-state.js';
import { isJobStatus } from '../states/job-states.js';
import { Alerts } from './alerts.js';
import { Counts } from './counts.js';
import { HeadlineView } from './headline-view.js';
import { Jobs } from './jobs.js';
import { Workers } from './workers.js';

export function OverviewPage({ feed }: { feed: LiveOverview }) {
  const [param, setStatus] = useUrlParam('status');
  const status = isJobStatus(param) ? param : null;
  const { overview, connection } = feed;
  const age = connection === 'stale' ? 'is-still is-stale' : connection === 'paused' ? 'is-still' : '';
  return (
    <main className={`frame grid gap-4 py-5 sm:gap-5 sm:py-6 ${age}`}>
      <HeadlineView feed={feed} />
      {overview !== null && <Alerts alerts={overview.alerts?.firing ?? []} at={overview.at} />}
      <Counts counts={overview?.counts ?? null} selected={status} onSelect={setStatus} />
      <div className="grid gap-4 sm:gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Jobs
          recent={overview?.recent_jobs ?? null}
          status={status}
          onClear={() => setStatus(null)}
          paused={feed.connection === 'paused'}
        />
        <Workers workers={overview?.workers ?? null} />
      </div>
    </main>
  );
}
