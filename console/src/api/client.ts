import { readKey } from './key.js';
import { asProblem, problemOf } from './problem.js';
import type { Explanation, Job, JobPage, JobStatus, LogLine, LogPage, Overview } from './types.js';

const timeoutMs = 10_000;

/** Opens a request with the tab's key. Throws ApiProblem on every answer but a 2xx. */
export async function open(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = readKey();
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'same-origin' });
  } catch (thrown) {
    throw asProblem(thrown);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  const response = await open(path, { ...init, signal });
  try {
    return (await response.json()) as Body;
  } catch (thrown) {
    throw asProblem(thrown);
  }
}

const jobPath = (id: string) => `/jobs/${encodeURIComponent(id)}`;

export const fetchOverview = (signal: AbortSignal) => json<Overview>('/api/v1/overview', { signal });

export const fetchJob = (id: string, signal: AbortSignal) => json<Job>(jobPath(id), { signal });

export const fetchExplanation = (id: string, signal: AbortSignal) =>
  json<Explanation>(`${jobPath(id)}/explain`, { signal });

export const fetchJobs = (status: JobStatus, signal: AbortSignal) =>
  json<JobPage>(`/jobs?status=${status}&limit=50`, { signal });

export const cancelJob = (id: string) => json<Job>(`${jobPath(id)}/cancel`, { method: 'POST' });

export const retryJob = (id: string) => json<Job>(`${jobPath(id)}/retry`, { method: 'POST' });

/** A file that a job made. A minute for it: it may be a large picture on a slow line. */
export async function fetchBlob(path: string, signal: AbortSignal): Promise<Blob> {
  const response = await open(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]) });
  return response.blob();
}

const logPages = 5;

/** The first 1,000 lines at most; `complete` says whether that was all. */
export async function fetchLogs(
  id: string,
  signal: AbortSignal,
): Promise<{ lines: LogLine[]; complete: boolean }> {
  const lines: LogLine[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < logPages; page += 1) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: LogPage = await json(`${jobPath(id)}/logs?limit=200${query}`, { signal });
    lines.push(...answer.items);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  return { lines, complete: cursor === null };
}
