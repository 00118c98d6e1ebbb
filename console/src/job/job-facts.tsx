import type { ReactNode } from 'react';
import type { Job } from '../api/types.js';
import { formatDuration, unknown } from '../display/format.js';
import { When } from '../display/when.js';
import { JobDuration } from './job-duration.js';

export function JobFacts({ job }: { job: Job }) {
  const facts: [string, ReactNode][] = [
    ['Queue', job.queue],
    [
      'Attempt',
      job.attempt === 0 ? unknown : `${job.attempt} · ${job.failures} of ${job.max_attempts} failed`,
    ],
    ['Ran', <JobDuration key="ran" job={job} />],
    ['Time limit', formatDuration(job.timeout_ms)],
    ['Created', <When key="created" at={job.created_at} />],
    [
      job.started_at === null ? 'Not before' : 'Started',
      <When key="started" at={job.started_at ?? job.run_at} />,
    ],
    ['Finished', <When key="finished" at={job.finished_at} />],
    ['Priority', String(job.priority)],
    ['Worker', job.worker_id ?? unknown],
    ['Owner', job.owner ?? unknown],
    ['Tags', job.tags.length === 0 ? unknown : job.tags.join(', ')],
    ['Reason', job.reason?.replaceAll('_', ' ') ?? unknown],
  ];
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-2 border-y border-line py-4 tabular-nums">
      {facts.map(([name, value]) => (
        <div
          key={name}
          className="grid min-w-0 grid-cols-[5.5rem_minmax(0,1fr)] gap-2 max-sm:grid-cols-1 max-sm:gap-0"
        >
          <dt className="text-muted">{name}</dt>
          <dd className="truncate" title={typeof value === 'string' ? value : undefined}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
