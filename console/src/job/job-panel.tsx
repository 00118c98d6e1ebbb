import { useQuery } from '@tanstack/react-query';
import { type MouseEvent, useId, useLayoutEffect, useRef } from 'react';
import { ApiProblem } from '../api/problem.js';
import type { Job } from '../api/types.js';
import { CopyButton } from '../display/copy-button.js';
import { Icon } from '../display/icon.js';
import { jobStates } from '../states/job-states.js';
import { StateLabel } from '../states/state-label.js';
import { JobActions } from './job-actions.js';
import { JobError } from './job-error.js';
import { JobExplanation } from './job-explanation.js';
import { JobFacts } from './job-facts.js';
import { JobLogs } from './job-logs.js';
import { JobOutput, outputPath } from './job-output.js';
import { JsonBlock } from './json-block.js';
import { ProgressBar } from './progress-bar.js';
import { jobQuery } from './queries.js';

/** Everything about one job, over the page. The browser keeps the focus inside and gives it back. */
export function JobPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const { data: job, error } = useQuery(jobQuery(id));

  // Before the element leaves the page: only then does closing give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);

  function closeOnBackdrop(event: MouseEvent) {
    if (event.target === dialog.current) onClose();
  }

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog already
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={closeOnBackdrop}
    >
      <div className="flex min-h-full flex-col">
        <header className="sticky top-0 z-10 border-b border-line bg-panel px-5 pt-4 pb-3">
          <div className="flex items-start justify-between gap-3">
            <div className="min-w-0">
              <h2 id={title} className="truncate text-lg leading-7 font-semibold tracking-tight">
                {job?.task ?? 'Job'}
              </h2>
              <p className="flex items-center gap-1 font-mono text-xs text-muted">
                <span className="truncate">{id}</span>
                <CopyButton text={id} what="the id" />
              </p>
            </div>
            <button type="button" className="button-quiet -mr-2" onClick={onClose}>
              <Icon name="close" size={16} />
              <span className="sr-only">Close</span>
            </button>
          </div>
          {job !== undefined && (
            <div className="mt-2 flex flex-wrap items-center justify-between gap-3">
              <StateLabel look={jobStates[job.status]} tinted />
              <JobActions job={job} />
            </div>
          )}
        </header>
        <div className="grid gap-5 px-5 py-4">
          {error !== null && <Unreadable error={error} stale={job !== undefined} />}
          {job !== undefined && <Details job={job} />}
        </div>
      </div>
    </dialog>
  );
}

function Details({ job }: { job: Job }) {
  const output = outputPath(job.output_url);
  return (
    <>
      <JobExplanation job={job} />
      {job.status === 'processing' && job.progress !== null && <ProgressBar progress={job.progress} />}
      {job.error !== null && <JobError error={job.error} />}
      {output !== null && job.status === 'succeeded' && <JobOutput path={output} />}
      <JobFacts job={job} />
      <JobLogs job={job} />
      <JsonBlock title="Input" value={job.input} />
      <JsonBlock title="Result" value={job.result} />
    </>
  );
}

function Unreadable({ error, stale }: { error: Error; stale: boolean }) {
  const missing = error instanceof ApiProblem && error.status === 404;
  return (
    <p role="alert" className="text-state-failed">
      {missing ? 'There is no job with this id. It may have been removed.' : error.message}
      {stale && ' What stands below is the last that was known.'}
    </p>
  );
}
