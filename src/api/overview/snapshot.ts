import { z } from 'zod';
import type { Alerts } from '../../alerts/alerts.js';
import type { Engine } from '../../engine/engine.js';
import { type JobStatus, jobStatuses } from '../../engine/job.js';
import { alertJson, alertSchema, evaluationShape, noteJson } from '../alerts/schemas.js';
import { findingJson, findingSchema } from '../findings.js';
import { jobSummaryJson } from '../jobs/json.js';
import { jobSummarySchema } from '../jobs/schemas.js';
import { workerJson, workerSchema } from '../worker.js';

const time = z.iso.datetime();

const countsShape = Object.fromEntries(jobStatuses.map((status) => [status, z.int()])) as Record<
  JobStatus,
  z.ZodInt
>;

export const overviewSchema = z
  .object({
    at: time.describe('When this was read'),
    counts: z.object(countsShape),
    recent_jobs: z.array(jobSummarySchema),
    workers: z.array(workerSchema),
    findings: z.array(findingSchema),
    alerts: z.object({ ...evaluationShape, firing: z.array(alertSchema) }),
  })
  .meta({ id: 'Overview' });
export type Overview = z.output<typeof overviewSchema>;

/** Reads the overview, once for all who may have the same one: however many consoles are open. */
export class OverviewReader {
  readonly #engine: Engine;
  readonly #alerts: Alerts;
  #last: { readonly begun: number; readonly overview: Promise<Overview> } | undefined;

  constructor(engine: Engine, alerts: Alerts) {
    this.#engine = engine;
    this.#alerts = alerts;
  }

  /** What was read no earlier than `since`, milliseconds since the epoch: what moved before then is in it. */
  async read(since: number): Promise<Overview> {
    if (this.#last === undefined || this.#last.begun < since) {
      const reading = { begun: Date.now(), overview: this.#query() };
      this.#last = reading;
      // A failure is for those who wait for it, not for whoever asks next.
      reading.overview.catch(() => {
        if (this.#last === reading) this.#last = undefined;
      });
    }
    return this.#last.overview;
  }

  async #query(): Promise<Overview> {
    const engine = this.#engine;
    const [counts, jobs, workers, findings, open, note] = await Promise.all([
      engine.jobs.counts(),
      engine.jobs.list({ limit: 20 }),
      engine.workers(),
      engine.findings(),
      this.#alerts.open(),
      this.#alerts.evaluation(),
    ]);
    const now = Date.now();
    return {
      at: new Date(now).toISOString(),
      counts,
      recent_jobs: jobs.map((job) => jobSummaryJson(job, now)),
      workers: workers.map((worker) => workerJson(worker, now)),
      findings: findings.map(findingJson),
      alerts: {
        ...noteJson(note),
        firing: open.filter(({ state }) => state === 'firing').map(alertJson),
      },
    };
  }
}
