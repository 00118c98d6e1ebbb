import type { Job } from '../../engine/job.js';
import type { Workload } from '../../workloads/manifest.js';
import { jobJson } from './json.js';
import type { JobJson } from './schemas.js';

/** Jobs as JSON, with what the workloads that own them add: one call per workload, however many jobs. */
export async function presentJobs(workloads: readonly Workload[], jobs: readonly Job[]): Promise<JobJson[]> {
  const now = Date.now();
  const extras = await Promise.all(
    workloads.map(async (workload) => {
      const tasks = new Set(workload.tasks.map((task) => task.name));
      const own = jobs.filter((job) => tasks.has(job.task));
      return own.length === 0 ? new Map<string, Record<string, unknown>>() : workload.present(own);
    }),
  );
  return jobs.map((job) => {
    const extra = extras.map((byId) => byId.get(job.id)).find((found) => found !== undefined);
    return jobJson(job, now, extra);
  });
}

export async function presentJob(workloads: readonly Workload[], job: Job): Promise<JobJson> {
  const owner = workloads.find(({ tasks }) => tasks.some(({ name }) => name === job.task));
  const extra = owner === undefined ? undefined : (await owner.present([job])).get(job.id);
  return jobJson(job, Date.now(), extra);
}
