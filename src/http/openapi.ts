import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RoutePermission } from './guard.js';
import { pagePolicy } from './headers.js';
import { consumedBy } from './routes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Further bodies that a route takes, by media type; `schema.body` describes the JSON one. */
    bodies?: Readonly<Record<string, z.ZodType>>;
  }
}

const docsPath = '/docs';

/**
 * The one place where routes get a permission that they did not declare: those of the reference's plugin,
 * which knows nothing of ours. They are static files.
 */
export function pluginPermission(url: string): RoutePermission | undefined {
  return url === docsPath || url.startsWith(`${docsPath}/`) ? 'public' : undefined;
}

/** Serves `/openapi.json`, made from the routes' own schemas, and a reference at `/docs` that needs no network. */
export async function installOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        version,
        description: 'A self-hosted job server for AI backends. Errors are `application/problem+json`.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
    },
    transform: describeRoute,
    transformObject: (input) => withoutUnused(jsonSchemaTransformObject(input)),
  });
  app.get(
    '/openapi.json',
    {
      config: { permission: 'public' },
      schema: {
        summary: 'This description',
        tags: ['meta'],
        response: { 200: z.looseObject({ openapi: z.string() }) },
      },
    },
    async () => app.swagger(),
  );
  await app.register(swaggerUi, {
    routePrefix: docsPath,
    staticCSP: pagePolicy,
    theme: { title: 'Signalbox API' },
    // Its default asks a server on the internet to judge the description.
    uiConfig: { validatorUrl: null, url: '/openapi.json' } as Record<string, unknown>,
  });
}

type Transform = typeof jsonSchemaTransform;

const describeRoute: Transform = (input) => {
  const { route } = input as { route: RouteOptions };
  const described = jsonSchemaTransform({ ...input, schema: input.schema ?? {} } as typeof input);
  const schema = described.schema as Record<string, unknown>;
  if (schema.hide === true) return described;
  const permission = route.config?.permission;
  const credentials = [{ bearer: [] }, { apiKey: [] }];
  const identify = route.config?.identify === true;
  // The empty one says that the others may be left out.
  schema.security = permission !== 'public' ? credentials : identify ? [{}, ...credentials] : [];
  if (permission !== undefined && permission !== 'public') schema['x-permission'] = permission;
  const bodies = route.config?.bodies;
  if (bodies !== undefined)
    schema.body = {
      content: { ...jsonBody(route, schema.body), ...contentOf(input, bodies) },
    };
  return described;
};

function contentOf(input: Parameters<Transform>[0], bodies: Readonly<Record<string, z.ZodType>>): object {
  return Object.fromEntries(
    Object.entries(bodies).map(([type, body]) => {
      const { schema } = jsonSchemaTransform({ ...input, schema: { body } } as Parameters<Transform>[0]);
      return [type, { schema: schema.body }];
    }),
  );
}

function jsonBody(route: RouteOptions, schema: unknown): object {
  const type = 'application/json';
  return schema !== undefined && consumedBy(route.schema).includes(type) ? { [type]: { schema } } : {};
}

/** Every named schema is described once as input and once as output; what nothing refers to goes. */
function withoutUnused(document: ReturnType<typeof jsonSchemaTransformObject>): typeof document {
  const schemas = (('components' in document ? document.components?.schemas : undefined) ?? {}) as Record<
    string,
    unknown
  >;
  const used = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(document.paths);
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
  return document;
}
