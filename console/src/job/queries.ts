import { queryOptions } from '@tanstack/react-query';
import { fetchExplanation, fetchJob, fetchJobs, fetchLogs } from '../api/client.js';
import { ApiProblem } from '../api/problem.js';
import type { Job, JobStatus } from '../api/types.js';
import { isFinal } from '../states/job-states.js';

const movingMs = 2_000;
const restingMs = 15_000;

/** Only a server that did not answer, or failed, may answer otherwise next time. */
export function retryQuery(failures: number, error: Error): boolean {
  const refused = error instanceof ApiProblem && error.status >= 400 && error.status < 500;
  return !refused && failures < 2;
}

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['job', id, 'facts'],
    queryFn: ({ signal }) => fetchJob(id, signal),
    refetchInterval: ({ state }) => pace(state.data),
  });

export const explanationQuery = (id: string, job: Job | undefined) =>
  queryOptions({
    queryKey: ['job', id, 'explanation'],
    queryFn: ({ signal }) => fetchExplanation(id, signal),
    refetchInterval: pace(job),
  });

export const logsQuery = (id: string, job: Job | undefined) =>
  queryOptions({
    queryKey: ['job', id, 'logs'],
    queryFn: ({ signal }) => fetchLogs(id, signal),
    refetchInterval: pace(job),
  });

export const jobsQuery = (status: JobStatus | null, paused: boolean) =>
  queryOptions({
    queryKey: ['jobs', status],
    queryFn: ({ signal }) => fetchJobs(status ?? 'queued', signal),
    refetchInterval: paused ? false : movingMs,
    refetchOnWindowFocus: !paused,
  });

function pace(job: Job | undefined): number {
  return job !== undefined && isFinal(job.status) ? restingMs : movingMs;
}
