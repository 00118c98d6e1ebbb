import type { components } from './schema.js';

/**
 * The API's JSON as the console reads it, from the API's own description (`npm run api-types`). Every other
 * file takes its types from here.
 */
type Schemas = components['schemas'];

export type JobStatus = JobSummary['status'];
/** A job as lists show it: without `input` and `result`. */
export type JobSummary = Schemas['JobSummary'];
/** With whatever its workload adds, such as `output_url`. */
export type Job = Schemas['Job'];
export type Worker = Schemas['Worker'];
/** Accepted work that nobody does. `remedy` is a command, or a sentence. A newer server may know more codes. */
export type Finding = Omit<Schemas['WorkFinding'], 'code'> & { code: string };
export type Alert = Schemas['Alert'];
export type Explanation = Schemas['Explanation'];
export type LogLine = Schemas['JobLogLine'];
export type LogPage = Schemas['JobLogPage'];
export type JobPage = Schemas['JobPage'];

/** During a rolling deploy the server may be older than this page and not know a state, or alerts, yet. */
export type Overview = Omit<Schemas['Overview'], 'counts' | 'findings' | 'alerts'> & {
  alerts?: Schemas['Overview']['alerts'];
  counts: Partial<Schemas['Overview']['counts']>;
  findings: Finding[];
};
