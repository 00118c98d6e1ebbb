import type { z } from 'zod';
import type { Config } from '../config/load.js';
import type { Section } from '../config/section.js';
import type { Database } from '../database/database.js';
import type { Job } from '../engine/job.js';
import type { Task } from '../engine/task.js';
import type { ErrorSpec } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { HealthCheck } from '../health/check.js';
import type { HttpApp } from '../http/app.js';
import type { MetricDeclaration } from '../telemetry/metrics/declaration.js';
import type { MetricRegistry } from '../telemetry/metrics/registry.js';

/**
 * A form without files that `POST /jobs` accepts for a task, beside JSON. The set of its field names is
 * what tells forms apart, so no two workloads may declare the same one.
 */
export interface JobForm {
  /** Name of a task that is open over HTTP. */
  readonly task: string;
  /** Strict; every field is text with a maximal length. */
  readonly schema: z.ZodObject;
  /** The task's input, from the fields as `schema` gave them. */
  toInput(fields: Readonly<Record<string, unknown>>): unknown;
}

/** A vertical feature: everything that the house needs to know of it. */
export interface Workload {
  /** Lower case, unique. */
  readonly name: string;
  readonly errors: Readonly<Record<string, ErrorSpec>>;
  readonly tasks: readonly Task[];
  /** `<area>:<verb>`, out of which roles are made. */
  readonly permissions: readonly string[];
  readonly checks: readonly HealthCheck[];
  readonly forms: readonly JobForm[];
  routes(app: HttpApp): Promise<void>;
  /** Extra members of the JSON of its jobs, by job id. Called once per answer; jobs of others are passed over. */
  present(jobs: readonly Job[]): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
}

/** What a workload is made of. */
export interface WorkloadDeps {
  readonly config: Config;
  readonly database: Database;
  /** Absolute folder for local files. */
  readonly home: string;
  readonly logger: Logger;
  /** Where its metrics are written; it declares them in its module. */
  readonly metrics: MetricRegistry;
}

/** What the composition root knows of a workload before anything runs. */
export interface WorkloadModule {
  readonly name: string;
  readonly section: Section;
  /** Absolute folder of its SQL migrations. */
  readonly migrations: string;
  readonly errors: Readonly<Record<string, ErrorSpec>>;
  readonly metrics: readonly MetricDeclaration[];
  create(deps: WorkloadDeps): Promise<Workload>;
}
