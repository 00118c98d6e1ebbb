import type { FastifyInstance, FastifySchema, HTTPMethods, RouteOptions } from 'fastify';
import type { z } from 'zod';
import type { FieldProblem } from '../foundation/errors.js';
import type { RoutePermission } from './guard.js';

/** One route as it was registered. */
export interface RouteInfo {
  readonly method: HTTPMethods;
  /** The template: `/jobs/:id`. */
  readonly url: string;
  readonly permission: RoutePermission;
  readonly schema: FastifySchema;
  /** Media types of the bodies that it reads. */
  readonly consumes: readonly string[];
  /** Schemas of bodies other than JSON, by media type. */
  readonly bodies: Readonly<Record<string, z.ZodType>>;
}

/** Every route of an application, for the guard, for 405 and for tests that walk them all. */
export class RouteTable {
  readonly #routes: RouteInfo[] = [];
  readonly #patterns = new Map<string, Pattern>();

  /** @throws TypeError for a template that it could not match as the router does */
  add(options: RouteOptions, permission: RoutePermission): void {
    const methods = Array.isArray(options.method) ? options.method : [options.method];
    this.#patterns.set(options.url, this.#patterns.get(options.url) ?? new Pattern(options.url));
    for (const method of methods) {
      const schema = options.schema ?? {};
      this.#routes.push(
        Object.freeze({
          method,
          url: options.url,
          permission,
          schema,
          consumes: consumedBy(schema),
          bodies: options.config?.bodies ?? {},
        }),
      );
    }
  }

  list(): readonly RouteInfo[] {
    return [...this.#routes];
  }

  /** The methods for which a path exists; empty when it does not. */
  methodsFor(path: string): string[] {
    const urls = [...this.#patterns.values()].filter((pattern) => pattern.match(path)).map(({ url }) => url);
    return [
      ...new Set(this.#routes.filter(({ url }) => urls.includes(url)).map(({ method }) => method)),
    ].sort();
  }

  /** The parameters of a path, still encoded, for which `isBad`; names the field when the router refuses a path. */
  problemsIn(path: string, isBad: (encoded: string) => boolean, message: string): FieldProblem[] {
    for (const pattern of this.#patterns.values()) {
      const bad = Object.entries(pattern.match(path) ?? {}).filter(([, value]) => isBad(value));
      if (bad.length > 0) return bad.map(([field]) => ({ field, message }));
    }
    return [{ field: 'path', message }];
  }
}

/** What a route reads when it does not say. */
export function consumedBy(schema: FastifySchema | undefined): readonly string[] {
  return schema?.consumes ?? ['application/json'];
}

/** The route table of an application: what `GET /openapi.json` hides is in it too. */
export function walkRoutes(app: FastifyInstance): readonly RouteInfo[] {
  return app.routeTable.list();
}

/** A route template: literal parts, `:name` parts and a last `*`. */
class Pattern {
  readonly url: string;
  readonly #parts: readonly string[];

  constructor(url: string) {
    if (/[()?]|[^/]:|:[^/]*:|\*.|:[^/]*[-.]/.test(url)) {
      throw new TypeError(`Route ${url}: only whole :name parts and a last * are supported in a path.`);
    }
    this.url = url;
    this.#parts = url.split('/');
  }

  match(path: string): Record<string, string> | undefined {
    const given = path.split('/');
    const wild = this.#parts.at(-1) === '*';
    if (wild ? given.length < this.#parts.length : given.length !== this.#parts.length) return undefined;
    const values: Record<string, string> = {};
    for (const [index, part] of this.#parts.entries()) {
      const value = given[index] ?? '';
      if (part === '*') values['*'] = given.slice(index).join('/');
      else if (part.startsWith(':') && value !== '') values[part.slice(1)] = value;
      else if (part !== value) return undefined;
    }
    return values;
  }
}
