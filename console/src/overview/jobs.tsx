import { useQuery } from '@tanstack/react-query';
import type { JobStatus, JobSummary } from '../api/types.js';
import { Icon } from '../display/icon.js';
import { jobsQuery } from '../job/queries.js';
import { jobStates } from '../states/job-states.js';
import { NoJobs } from './empty.js';
import { JobRow } from './job-row.js';
import { useSteadyRows } from './steady-rows.js';

interface Props {
  /** Newest first; null before the first overview. */
  recent: readonly JobSummary[] | null;
  status: JobStatus | null;
  onClear: () => void;
  paused: boolean;
}

/** The newest jobs, of all states or of one. */
export function Jobs({ recent, status, onClear, paused }: Props) {
  const filtered = useQuery({ ...jobsQuery(status, paused), enabled: status !== null });
  const jobs = status === null ? recent : (filtered.data?.items ?? null);
  return (
    <section aria-labelledby="jobs" className="panel min-w-0 self-start">
      <div className="panel-head">
        <h2 id="jobs" className="panel-title">
          {status === null ? 'Recent jobs' : `${jobStates[status].label} jobs`}
        </h2>
        {status !== null && (
          <button type="button" className="button-quiet -my-1" onClick={onClear}>
            <Icon name="close" />
            Show all states
          </button>
        )}
      </div>
      {status !== null && filtered.error !== null && (
        <p className="px-4 py-3 text-state-failed">The jobs could not be read: {filtered.error.message}</p>
      )}
      {jobs === null && (status === null || filtered.isPending) && <Skeleton />}
      {jobs?.length === 0 && (status === null ? <NoJobs /> : <NoneMatch status={status} />)}
      {jobs !== null && jobs.length > 0 && <Table key={status ?? 'all'} jobs={jobs} />}
    </section>
  );
}

function Table({ jobs }: { jobs: readonly JobSummary[] }) {
  const { rows, heldBack, hold, release } = useSteadyRows(jobs);
  return (
    <div
      className="relative"
      onPointerMove={(event) => event.pointerType === 'mouse' && hold()}
      onPointerLeave={release}
    >
      <table className="jobs">
        <thead>
          <tr>
            <th scope="col" className="min-w-28 max-sm:hidden">
              State
            </th>
            <th scope="col" className="task">
              Task
            </th>
            <th scope="col" className="max-sm:hidden">
              Queue
            </th>
            <th scope="col" className="text-right max-sm:hidden">
              Duration
            </th>
            <th scope="col" className="text-right">
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((job) => (
            <JobRow key={job.id} job={job} />
          ))}
        </tbody>
      </table>
      {heldBack > 0 && (
        <button type="button" className="held-back" onClick={release}>
          {heldBack} newer, held back while you point
        </button>
      )}
    </div>
  );
}

function NoneMatch({ status }: { status: JobStatus }) {
  return (
    <p className="px-4 py-10 text-center text-muted">
      No job is {jobStates[status].label.toLowerCase()} now.
    </p>
  );
}

const skeletonRows = ['a', 'b', 'c', 'd', 'e', 'f'];

/** As tall as rows, so that nothing jumps when they come. */
function Skeleton() {
  return (
    <div aria-hidden="true" className="grid">
      {skeletonRows.map((row) => (
        <div key={row} className="flex h-13 items-center gap-4 border-t border-line px-4">
          <span className="bone w-20" />
          <span className="bone w-40" />
          <span className="bone ml-auto w-14" />
        </div>
      ))}
    </div>
  );
}
