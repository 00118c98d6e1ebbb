import type { MouseEvent } from 'react';
import type { JobSummary } from '../api/types.js';
import { firstLine } from '../display/format.js';
import { When } from '../display/when.js';
import { JobDuration } from '../job/job-duration.js';
import { ProgressBar } from '../job/progress-bar.js';
import { hrefWith, useUrlParam } from '../navigation/url-state.js';
import { jobStates } from '../states/job-states.js';
import { StateLabel } from '../states/state-label.js';

export function JobRow({ job }: { job: JobSummary }) {
  const state = <StateLabel look={jobStates[job.status]} />;
  const duration = <JobDuration job={job} />;
  return (
    <tr>
      <td className="align-top max-sm:hidden">{state}</td>
      <td className="task w-full max-w-0 align-top">
        <JobLink job={job} />
        <span className="flex items-center gap-1.5 text-xs leading-5 sm:hidden">
          {state}
          <span className="truncate text-muted">· {job.queue}</span>
        </span>
        <SecondLine job={job} />
      </td>
      <td className="max-w-36 truncate align-top text-muted max-sm:hidden">{job.queue}</td>
      <td className="text-right align-top whitespace-nowrap tabular-nums max-sm:hidden">{duration}</td>
      <td className="text-right align-top text-muted tabular-nums">
        <When at={job.created_at} />
        <span className="block text-xs leading-5 whitespace-nowrap sm:hidden">{duration}</span>
      </td>
    </tr>
  );
}

/** A real link: it opens in a new tab too, and its area covers the whole row. */
function JobLink({ job }: { job: JobSummary }) {
  const [, setJob] = useUrlParam('job');
  function follow(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    setJob(job.id);
  }
  return (
    <a href={hrefWith('job', job.id)} onClick={follow} className="row-link block truncate font-medium">
      {job.task}
    </a>
  );
}

/** What matters most about the job as it is now: its error, its progress, or its name. */
function SecondLine({ job }: { job: JobSummary }) {
  if (job.error !== null && (job.status === 'failed' || job.status === 'retrying')) {
    return (
      <span
        className={`block truncate text-xs leading-5 ${jobStates[job.status].className}`}
        title={job.error.message}
      >
        {job.error.type}: {firstLine(job.error.message)}
      </span>
    );
  }
  if (job.status === 'processing' && job.progress !== null) {
    return <ProgressBar progress={job.progress} />;
  }
  return (
    <span className="block truncate font-mono text-[11px] leading-5 text-muted max-sm:hidden">{job.id}</span>
  );
}
