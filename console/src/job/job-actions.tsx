import { useMutation, useQueryClient } from '@tanstack/react-query';
import { cancelJob, retryJob } from '../api/client.js';
import type { Job } from '../api/types.js';
import { Icon } from '../display/icon.js';
import { isFinal } from '../states/job-states.js';
import { jobQuery } from './queries.js';

/** Why the job cannot be cancelled; null when it can. The server has the last word. */
export function whyNotCancel(job: Pick<Job, 'status' | 'cancel_requested_at'>): string | null {
  if (isFinal(job.status))
    return `It has ${job.status === 'cancelled' ? 'been cancelled' : job.status} already.`;
  return job.cancel_requested_at === null ? null : 'Its cancel has been requested already.';
}

export function whyNotRetry(job: Pick<Job, 'status'>): string | null {
  if (job.status === 'failed' || job.status === 'cancelled') return null;
  return job.status === 'succeeded'
    ? 'It has succeeded; send a new job instead.'
    : 'It has not come to its end yet.';
}

/** Not allowed means disabled with a reason, not hidden: a button that comes and goes teaches nothing. */
export function JobActions({ job }: { job: Job }) {
  const queries = useQueryClient();
  const action = useMutation({
    mutationFn: (act: (id: string) => Promise<Job>) => act(job.id),
    onSuccess: (changed) =>
      queries.setQueryData(jobQuery(job.id).queryKey, (old) => ({ ...old, ...changed })),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['job', job.id] }),
        queries.invalidateQueries({ queryKey: ['jobs'] }),
      ]),
  });
  const noCancel = whyNotCancel(job);
  const noRetry = whyNotRetry(job);
  return (
    <div className="flex flex-wrap items-center justify-end gap-2">
      {action.error !== null && (
        <p role="alert" className="text-state-failed">
          {action.error.message}
        </p>
      )}
      <button
        type="button"
        className="button"
        disabled={noRetry !== null || action.isPending}
        title={noRetry ?? 'Run it again from the start'}
        onClick={() => action.mutate(retryJob)}
      >
        <Icon name="retry" />
        Retry
      </button>
      <button
        type="button"
        className="button button-danger"
        disabled={noCancel !== null || action.isPending}
        title={noCancel ?? 'Stop it for good; it can be retried'}
        onClick={() => action.mutate(cancelJob)}
      >
        <Icon name="slash" />
        {job.cancel_requested_at !== null && !isFinal(job.status) ? 'Cancelling' : 'Cancel'}
      </button>
    </div>
  );
}
