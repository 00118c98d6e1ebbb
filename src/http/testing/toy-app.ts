import { z } from 'zod';
import type { Logger } from '../../foundation/logger.js';
import { silentLogger } from '../../foundation/logger.js';
import { createAuthenticator } from '../../identity/authenticator.js';
import type { MetricRegistry } from '../../telemetry/metrics/registry.js';
import { createHttpApp, type HttpApp } from '../app.js';
import { formMediaTypes } from '../form.js';
import type { HttpLimits } from '../limits.js';
import { decodeCursor, pageOf, pageQuery } from '../pagination.js';
import { problems } from '../problem.js';
import { queryWords } from '../query.js';
import { type EventSource, lastEventSeq, startSse } from '../sse.js';

export const toyKey = 'toy-key-of-16-characters';

export interface ToyOptions {
  readonly apiKey?: string;
  readonly limits?: Partial<HttpLimits>;
  readonly logger?: Logger;
  readonly metrics?: MetricRegistry;
  /** What `GET /stream` sends. */
  readonly source?: EventSource;
  /** What `GET /slow` waits for. */
  readonly gate?: Promise<void>;
  /** Told when `POST /things` is handled. */
  readonly onHandled?: () => void;
}

/** A small application with one route of every kind that the kit knows. */
export async function createToyApp(options: ToyOptions = {}): Promise<HttpApp> {
  const { apiKey, limits = {}, logger = silentLogger, metrics } = options;
  const authenticator = createAuthenticator({ apiKey, permissions: ['things:read', 'things:write'] });
  const app = await createHttpApp({
    logger,
    authenticator,
    version: '0.0.0',
    limits,
    ...(metrics && { metrics }),
  });
  addThings(app, options);
  addStreams(app, options);
  return app;
}

const id = z.strictObject({ id: z.uuid() });

const thing = z.strictObject({
  name: z.string().min(1).max(20),
  size: z.int().min(1).max(9),
  kind: z.enum(['red', 'blue']).optional(),
  tags: z.array(z.string().max(10)).max(3).optional(),
  more: z.strictObject({ note: z.string().max(30) }).optional(),
});

const thingForm = z.strictObject({ name: z.string().min(1).max(20), note: z.string().max(30).optional() });

function addThings(app: HttpApp, { onHandled }: ToyOptions): void {
  app.get('/health', { config: { permission: 'public' } }, async () => ({ status: 'healthy' }));
  app.get(
    '/things',
    {
      config: { permission: 'things:read' },
      schema: {
        querystring: z.strictObject({
          ...pageQuery,
          kind: queryWords(['red', 'blue']),
          name: z.string().max(20).optional(),
        }),
        response: { 200: pageOf(z.object({ id: z.string() })), ...problems(422) },
      },
    },
    async (request) => {
      decodeCursor(request.query.cursor, (position) => position.startsWith('at-'));
      return { items: [], next_cursor: null };
    },
  );
  app.post(
    '/things',
    {
      config: { permission: 'things:write' },
      schema: { body: thing, response: { 201: thing, ...problems(422) } },
    },
    async (request, reply) => {
      onHandled?.();
      return reply.code(201).send(request.body);
    },
  );
  app.get(
    '/things/:id',
    { config: { permission: 'things:read' }, schema: { params: id } },
    async (request) => request.params,
  );
  app.post(
    '/things/:id/poke',
    { config: { permission: 'things:write' }, schema: { params: id } },
    async () => ({ poked: true }),
  );
  app.post(
    '/forms',
    {
      config: {
        permission: 'things:write',
        form: true,
        bodies: Object.fromEntries(formMediaTypes.map((type) => [type, thingForm])),
      },
      schema: { body: thingForm, consumes: [...formMediaTypes] },
    },
    async (request) => request.body,
  );
  app.get('/principal', { config: { permission: 'things:read' } }, async ({ principal }) => ({
    id: principal.id,
  }));
  app.get('/forbidden', { config: { permission: 'nobody:ever' } }, async () => ({}));
  app.get('/broken', { config: { permission: 'public' } }, async () => {
    throw new Error('the secret is 42');
  });
}

function addStreams(app: HttpApp, { source, gate }: ToyOptions): void {
  app.get('/slow', { config: { permission: 'public' } }, async () => {
    await gate;
    return { done: true };
  });
  app.get('/stream', { config: { permission: 'public' }, exposeHeadRoute: false }, (request, reply) => {
    const after = lastEventSeq(request);
    return startSse(
      request,
      reply,
      source ?? (async (stream) => stream.send({ id: after + 1, event: 'tick', data: { after } })),
    );
  });
}
