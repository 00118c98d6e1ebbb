import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from '../http/app.js';
import { consoleErrors } from './errors.js';
import { consoleHeaders } from './headers.js';
import { locate } from './locate.js';
import { notBuiltPage } from './not-built.js';

export const consolePath = '/admin/dashboard';

export interface ConsoleOptions {
  /** Absolute folder of the built console: `index.html`, `assets/`. It may appear while the server runs. */
  readonly root: string;
}

/**
 * Serves the web console. The files hold no data and ask for no key; what the page shows comes from the API, with
 * the reader's own permissions.
 * @throws (in answers) console_not_built 503, console_file_not_found 404
 */
export async function registerConsole(app: HttpApp, { root }: ConsoleOptions): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, { root: resolve(root), serve: false, index: false });
    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers(consoleHeaders);
    });
    // Hidden: files are no part of the API's description, and the page reads its query by itself.
    const route = { config: { permission: 'public' }, schema: { hide: true } } as const;
    // Where the dashboard of the queues used to be.
    scope.get('/admin/rq', route, (_request, reply) => reply.redirect(`${consolePath}/queues`));
    scope.get(consolePath, route, (request, reply) => answer(root, request, reply));
    scope.get(`${consolePath}/*`, route, (request, reply) => answer(root, request, reply));
  });
}

async function answer(root: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = (request.url.split('?', 1)[0] ?? '').slice(consolePath.length);
  const located = locate(path);
  switch (located.kind) {
    case 'page':
      if (!(await exists(join(root, 'index.html')))) return notBuilt(request, reply);
      return send(reply, 'index.html', 'no-cache');
    case 'file':
      if (!(await exists(join(root, located.file)))) throw notFound(path);
      return send(reply, located.file, located.hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    case 'nothing':
      throw notFound(path);
    default:
      return located satisfies never;
  }
}

function send(reply: FastifyReply, file: string, cacheControl: string): FastifyReply {
  return reply.header('cache-control', cacheControl).sendFile(file, { cacheControl: false });
}

function notBuilt(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('cache-control', 'no-store');
  if (request.headers.accept?.includes('text/html') !== true) {
    throw consoleErrors.console_not_built('index.html is missing from the folder of the built console.');
  }
  return reply.code(503).type('text/html; charset=utf-8').send(notBuiltPage);
}

function notFound(path: string) {
  return consoleErrors.console_file_not_found(`The web console has no file ${path.slice(0, 200)}.`);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
