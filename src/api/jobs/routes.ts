import { z } from 'zod';
import { isId } from '../../foundation/ids.js';
import type { HttpApp } from '../../http/app.js';
import { type FormFields, formMediaTypes, isForm } from '../../http/form.js';
import { decodeCursor, toPage } from '../../http/pagination.js';
import { problems } from '../../http/problem.js';
import { eventStream, lastEventSeq, startSse } from '../../http/sse.js';
import { maxEvents, traceOfJob } from '../../telemetry/tracing/job-trace.js';
import type { ApiDeps } from '../deps.js';
import { acceptJob, assertOpenTasksStrict } from './accept.js';
import { streamJobEvents } from './event-stream.js';
import { collectForms, formSchema, jobOfForm } from './forms.js';
import { explanationJson, jobTraceJson, logLineJson } from './json.js';
import { presentJob, presentJobs } from './present.js';
import {
  explanationSchema,
  jobEventSchema,
  jobListQuery,
  jobPageSchema,
  jobParams,
  jobSchema,
  jobTraceSchema,
  logPageSchema,
  logQuery,
  newJobBody,
} from './schemas.js';
import { ownerFilter, visibleJob } from './visible.js';

const tags = ['jobs'];
const read = { permission: 'jobs:read' } as const;
const write = { permission: 'jobs:write' } as const;

export function registerJobRoutes(app: HttpApp, deps: ApiDeps): void {
  addNew(app, deps);
  addReads(app, deps);
  addDetails(app, deps);
  addActions(app, deps);
}

function addNew(app: HttpApp, deps: ApiDeps): void {
  assertOpenTasksStrict(deps.engine.tasks.list());
  const forms = collectForms(deps.workloads);
  const form = formSchema(forms);
  app.post(
    '/jobs',
    {
      config: {
        ...write,
        form: true,
        bodies: form ? Object.fromEntries(formMediaTypes.map((type) => [type, form])) : {},
      },
      schema: {
        summary: 'Enqueue a job',
        description: 'As JSON for any task that is open over HTTP, or as a form that a workload declares.',
        tags,
        consumes: ['application/json', ...formMediaTypes],
        body: newJobBody,
        response: { 202: jobSchema, ...problems(403, 422) },
      },
      preValidation: async (request) => {
        if (isForm(request)) request.body = jobOfForm(forms, request.body as unknown as FormFields);
      },
    },
    async (request, reply) => {
      const { principal, body, traceParent } = request;
      const job = await acceptJob(deps, principal, body, isForm(request) ? '' : 'input.', traceParent);
      const json = await presentJob(deps.workloads, job);
      return reply.code(202).header('location', json.links.self).send(json);
    },
  );
}

function addReads(app: HttpApp, { engine, workloads }: ApiDeps): void {
  app.get(
    '/jobs',
    {
      config: read,
      schema: {
        summary: 'List jobs, newest first',
        tags,
        querystring: jobListQuery,
        response: { 200: jobPageSchema, ...problems(422) },
      },
    },
    async ({ query, principal }) => {
      const jobs = await engine.jobs.list({
        statuses: query.status,
        task: query.task,
        queue: query.queue,
        tag: query.tag,
        owner: ownerFilter(principal),
        before: decodeCursor(query.cursor, isId),
        limit: query.limit + 1,
      });
      const { items, nextCursor } = toPage(jobs, query.limit, (job) => job.id);
      return { items: await presentJobs(workloads, items), next_cursor: nextCursor };
    },
  );
  app.get(
    '/jobs/:id',
    {
      config: read,
      schema: { summary: 'One job', tags, params: jobParams, response: { 200: jobSchema, ...problems(404) } },
    },
    async ({ params, principal }) => presentJob(workloads, await visibleJob(engine, principal, params.id)),
  );
}

function addDetails(app: HttpApp, { engine, database }: ApiDeps): void {
  app.get(
    '/jobs/:id/trace',
    {
      config: read,
      schema: {
        summary: 'Where the time of a job went',
        description:
          'Its own spans are there for every job; what its handler did is there when tracing is on and the trace was sampled.',
        tags,
        params: jobParams,
        response: { 200: jobTraceSchema, ...problems(404) },
      },
    },
    async ({ params, principal }) => {
      const job = await visibleJob(engine, principal, params.id);
      return jobTraceJson(await traceOfJob(database, job, await engine.jobs.events(job.id, 0, maxEvents)));
    },
  );
  app.get(
    '/jobs/:id/explain',
    {
      config: read,
      schema: {
        summary: 'Why a job is where it is, and what to do',
        tags,
        params: jobParams,
        response: { 200: explanationSchema, ...problems(404) },
      },
    },
    async ({ params, principal }) => {
      await visibleJob(engine, principal, params.id);
      return explanationJson(await engine.jobs.explain(params.id));
    },
  );
  app.get(
    '/jobs/:id/logs',
    {
      config: read,
      schema: {
        summary: "A job's log, oldest line first",
        tags,
        params: jobParams,
        querystring: logQuery,
        response: { 200: logPageSchema, ...problems(404) },
      },
    },
    async ({ params, query, principal }) => {
      await visibleJob(engine, principal, params.id);
      const after = Number(decodeCursor(query.cursor, (position) => /^\d{1,9}$/.test(position)) ?? 0);
      const lines = await engine.jobs.logs(params.id, after, query.limit + 1);
      const { items, nextCursor } = toPage(lines, query.limit, (line) => String(line.seq));
      return { items: items.map(logLineJson), next_cursor: nextCursor };
    },
  );
  app.get(
    '/jobs/:id/events',
    {
      config: read,
      exposeHeadRoute: false,
      schema: {
        summary: "A job's events as they happen",
        description:
          'Server-sent events: `id` is the `seq`, `event` the `type`, `data` a JobEvent. Ends after the last event of a job that has ended. `Last-Event-ID` goes on after that event.',
        tags,
        params: jobParams,
        headers: z.looseObject({ 'last-event-id': z.string().optional() }),
        response: { 200: eventStream(jobEventSchema), ...problems(404) },
      },
    },
    async (request, reply) => {
      const after = lastEventSeq(request);
      const { id } = await visibleJob(engine, request.principal, request.params.id);
      return startSse(request, reply, (stream) => streamJobEvents(engine, stream, id, after));
    },
  );
}

function addActions(app: HttpApp, { engine, workloads }: ApiDeps): void {
  const actions = [
    ['cancel', 'Cancel a job: at once when it waits, by its signal when it runs'],
    ['retry', 'Queue a failed or cancelled job anew'],
  ] as const;
  for (const [action, summary] of actions) {
    app.post(
      `/jobs/:id/${action}`,
      {
        config: write,
        schema: { summary, tags, params: jobParams, response: { 200: jobSchema, ...problems(404, 409) } },
      },
      async ({ params, principal }) => {
        await visibleJob(engine, principal, params.id);
        return presentJob(workloads, await engine.jobs[action](params.id));
      },
    );
  }
}
