import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { Authenticator } from '../identity/authenticator.js';
import { anonymous, type Principal } from '../identity/principal.js';
import type { Permission } from '../identity/roles.js';
import { httpErrors } from './errors.js';
import { assertLocalHost, assertSameSite } from './origin.js';

/** What a caller needs for a route. `public`: nothing, and credentials are not even read, but for `identify`. */
export type RoutePermission = 'public' | Permission;

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission;
    /** A public route that shows more to whoever may see it: credentials are read when there are any, and must be right. */
    identify?: boolean;
  }
  interface FastifyRequest {
    /** Who calls. Set before the body is read. */
    principal: Principal;
  }
}

/** @throws TypeError at registration: a route that forgot to say who may call it never serves. */
export function permissionOf(route: RouteOptions): RoutePermission {
  const permission = route.config?.permission;
  if (permission === 'public' || (permission !== undefined && /^[a-z_]+:[a-z_]+$/.test(permission))) {
    return permission;
  }
  throw new TypeError(
    `Route ${String(route.method)} ${route.url} must declare config.permission: 'public' or '<area>:<verb>'.`,
  );
}

/** Lets a request through, or refuses it, before a byte of its body is read. */
export function installGuard(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest('principal');
  app.addHook('onRequest', async (request) => {
    if (authenticator.anonymousAllowed) {
      assertLocalHost(request.headers);
      assertSameSite(request.method, request.headers);
    }
    const { permission, identify = false } = request.routeOptions.config;
    request.principal = anonymous;
    if (permission === 'public') {
      const known = identify && (authenticator.anonymousAllowed || hasCredentials(request));
      if (known) request.principal = await authenticate(request, authenticator);
      return;
    }
    request.principal = await authenticate(request, authenticator);
    if (permission === undefined || !request.principal.has(permission)) {
      throw permissionDenied(request.principal, permission ?? 'that this route forgot to declare');
    }
  });
}

export function permissionDenied(principal: Principal, permission: string) {
  return httpErrors.permission_denied(`${principal.name} lacks the permission ${permission}.`);
}

function hasCredentials({ headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || headers['x-api-key'] !== undefined;
}

async function authenticate(request: FastifyRequest, authenticator: Authenticator): Promise<Principal> {
  const apiKey = request.headers['x-api-key'];
  return authenticator.authenticate({
    authorization: request.headers.authorization,
    apiKey: Array.isArray(apiKey) ? apiKey.join(', ') : apiKey,
  });
}
