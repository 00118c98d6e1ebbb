import { z } from 'zod';
import { estimateBases } from '../../engine/explain/estimate.js';
import { explainCodes } from '../../engine/explain/reason.js';
import { jobStatuses } from '../../engine/job.js';
import { assured } from '../../http/answers.js';
import { pageOf, pageQuery } from '../../http/pagination.js';
import { queryWords } from '../../http/query.js';
import { spanKindNames } from '../../telemetry/tracing/store/kept-span.js';
import { timeInput } from '../time-input.js';

const time = z.iso.datetime();
const name = z.string().min(1).max(100);

export const jobParams = z.strictObject({ id: z.uuid() });

export const jobListQuery = z.strictObject({
  ...pageQuery,
  status: queryWords(jobStatuses, 'Repeated, or separated by commas'),
  task: name.optional(),
  queue: name.optional(),
  tag: name.optional(),
});

/** The JSON body of `POST /jobs`, and what a form becomes. */
export const newJobBody = z
  .strictObject({
    task: name.describe('A task that is open over HTTP'),
    input: z.unknown().describe("Checked against the task's own schema"),
    priority: z.int().min(-1_000).max(1_000).optional().describe('Smaller runs first'),
    run_at: timeInput.optional().describe('Not before this time'),
    tags: z.array(name).max(20).optional(),
  })
  .meta({ id: 'NewJob' });
export type NewJobBody = z.output<typeof newJobBody>;

const jobStatus = z.enum(jobStatuses);

const summaryShape = {
  id: z.uuid(),
  task: z.string(),
  queue: z.string(),
  status: jobStatus,
  reason: z.string().nullable().describe('Why it is in its state, where the state alone does not say'),
  priority: z.int(),
  error: z
    .object({ type: z.string(), message: z.string(), retryable: z.boolean(), attempt: z.int() })
    .nullable()
    .describe('Of the last failed attempt'),
  progress: z.object({ fraction: z.number(), message: z.string().nullable() }).nullable(),
  attempt: z.int().describe('Number of the current or last run; 0 before the first'),
  failures: z.int(),
  max_attempts: z.int(),
  crashes: z.int(),
  timeout_ms: z.int(),
  owner: z.string().nullable(),
  tags: z.array(z.string()),
  run_at: time,
  created_at: time,
  updated_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  duration_ms: z.int().nullable().describe('Of the current or last attempt; null before the first'),
  cancel_requested_at: time.nullable(),
  worker_id: z.string().nullable(),
  links: z.object({ self: z.string(), events: z.string(), explain: z.string(), logs: z.string() }),
};

/** A job without what may be large. */
export const jobSummarySchema = z.object(summaryShape).meta({ id: 'JobSummary' });
export type JobSummaryJson = z.output<typeof jobSummarySchema>;

/** A job. Loose: the workload that owns it adds members of its own. */
export const jobSchema = assured(
  z.looseObject({ ...summaryShape, input: z.unknown(), result: z.unknown() }).meta({ id: 'Job' }),
);
export type JobJson = z.output<typeof jobSchema>;

export const jobPageSchema = pageOf(jobSchema).meta({ id: 'JobPage' });

export const jobEventSchema = z
  .object({
    job_id: z.uuid(),
    seq: z.int(),
    at: time,
    type: z.enum([...jobStatuses, 'progress', 'cancel_requested']),
    attempt: z.int(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'JobEvent' });
export type JobEventJson = z.output<typeof jobEventSchema>;

export const explanationSchema = z
  .object({
    job_id: z.uuid(),
    status: jobStatus,
    summary: z.string(),
    reasons: z.array(
      z.object({
        code: z.enum(explainCodes),
        message: z.string(),
        remedy: z.string().nullable(),
        details: z.record(z.string(), z.unknown()).describe('What the message says, for programs'),
      }),
    ),
    estimated_start: z
      .object({
        at: time,
        basis: z.enum(estimateBases).describe('What the estimate rests on'),
        samples: z.int().nullable().describe('Attempts whose durations it rests on; `null`: none'),
      })
      .nullable()
      .describe('`null`: not waiting, or nothing is known that would tell'),
  })
  .meta({ id: 'Explanation' });

export const logLineSchema = z
  .object({
    seq: z.int(),
    at: time,
    attempt: z.int(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: z.string(),
    data: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'JobLogLine' });

export const logPageSchema = pageOf(logLineSchema).meta({ id: 'JobLogPage' });
export const logQuery = z.strictObject(pageQuery);

export const jobTraceSchema = z
  .object({
    trace_id: z.string().describe('32 hexadecimal digits'),
    spans: z.array(
      z.object({
        span_id: z.string(),
        parent_id: z.string().nullable(),
        source: z.enum(['engine', 'recorded']),
        name: z.string(),
        kind: z.enum(spanKindNames),
        started_at: time,
        duration_ms: z.number().nullable().describe('null: it goes on'),
        error: z.string().nullable(),
        attributes: z.record(z.string(), z.unknown()),
      }),
    ),
    truncated: z.boolean(),
  })
  .meta({ id: 'JobTrace' });
