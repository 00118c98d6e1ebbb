import { writeKey } from './api/key.js';
import { KeyForm } from './auth/key-form.js';
import { JobPanel } from './job/job-panel.js';
import { FreshnessProvider } from './live/freshness.js';
import { useOverview } from './live/use-overview.js';
import { useUrlParam } from './navigation/url-state.js';
import { OverviewPage } from './overview/overview-page.js';
import { TopBar } from './top-bar.js';

export function App() {
  const feed = useOverview();
  const [jobId, setJobId] = useUrlParam('job');

  if (feed.problem !== null && (feed.problem.status === 401 || feed.problem.status === 403)) {
    return (
      <KeyForm problem={feed.problem} checking={feed.connection !== 'unauthorized'} onKey={feed.restart} />
    );
  }

  function forgetKey() {
    writeKey(null);
    feed.restart();
  }

  return (
    <FreshnessProvider feed={feed}>
      <TopBar feed={feed} onForgetKey={forgetKey} />
      <OverviewPage feed={feed} />
      {jobId !== null && <JobPanel key={jobId} id={jobId} onClose={() => setJobId(null)} />}
    </FreshnessProvider>
  );
}
