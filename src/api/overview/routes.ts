import type { Engine } from '../../engine/engine.js';
import { systemClock } from '../../foundation/time.js';
import type { HttpApp } from '../../http/app.js';
import { problems } from '../../http/problem.js';
import { type EventStream, eventStream, startSse } from '../../http/sse.js';
import type { ApiDeps } from '../deps.js';
import { wakeOn } from '../wake.js';
import { OverviewReader, overviewSchema } from './snapshot.js';

const tags = ['system'];
const config = { permission: 'system:read' } as const;

/** Never more often, however much moves. */
const shortestMs = 1_000;
/** Never more seldom, even when nothing does: ages grow, and workers fall silent without a word. */
const longestMs = 5_000;

export function registerOverviewRoutes(app: HttpApp, { engine, alerts }: ApiDeps): void {
  const reader = new OverviewReader(engine, alerts);
  app.get(
    '/api/v1/overview',
    {
      config,
      schema: {
        summary: 'Jobs by state, recent jobs, workers, findings, what fires',
        tags,
        response: { 200: overviewSchema, ...problems(401) },
      },
    },
    async () => reader.read(Date.now()),
  );
  app.get(
    '/api/v1/overview/stream',
    {
      config,
      exposeHeadRoute: false,
      schema: {
        summary: 'The overview, again whenever something moved',
        tags,
        response: { 200: eventStream(overviewSchema), ...problems(401) },
      },
    },
    (request, reply) => startSse(request, reply, (stream) => streamOverview(engine, reader, stream)),
  );
}

async function streamOverview(engine: Engine, reader: OverviewReader, stream: EventStream): Promise<void> {
  const wake = wakeOn(engine, () => true);
  try {
    for (let since = Date.now(); ; since = Math.max(wake.lastHintAt(), Date.now() - shortestMs)) {
      await stream.send({ event: 'overview', data: await reader.read(since) });
      await systemClock.sleep(shortestMs, stream.signal);
      await wake.wait(longestMs - shortestMs, stream.signal);
      stream.signal.throwIfAborted();
    }
  } finally {
    wake.close();
  }
}
