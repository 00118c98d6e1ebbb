import type { InjectOptions } from 'fastify';
import { z } from 'zod';
import { newId } from '../../foundation/ids.js';
import type { HttpApp } from '../app.js';
import { type RouteInfo, walkRoutes } from '../routes.js';

/** One request with exactly one known mistake, and the name that the answer must give to it. */
export interface FuzzCase {
  readonly title: string;
  readonly request: InjectOptions;
  readonly field: string;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
  readonly minimum?: number;
}

const json = 'application/json';
const urlEncoded = 'application/x-www-form-urlencoded';

/**
 * Every mistake that can be made with a field of a route, derived from the schemas with which the route was
 * registered: missing, wrong type, too long, wrong encoding, NUL, unknown. Routes without fields give none
 * but the unknown one.
 */
export function fuzzCases(app: HttpApp, headers: Readonly<Record<string, string>> = {}): FuzzCase[] {
  return walkRoutes(app)
    .filter(({ method, schema }) => method !== 'HEAD' && schema.hide !== true)
    .flatMap((route) => [...pathCases(route), ...queryCases(route), ...bodyCases(route), ...formCases(route)])
    .map((one) => ({ ...one, request: { ...one.request, headers: { ...headers, ...one.request.headers } } }));
}

/** `undefined` when the answer is as it must be, otherwise what is wrong with it. */
export async function judge(app: HttpApp, { request, field }: FuzzCase): Promise<string | undefined> {
  const response = await app.inject(request);
  const status = response.statusCode;
  if (status < 400 || status > 499) return `answered ${status}: ${response.body.slice(0, 300)}`;
  if (response.headers['content-type'] !== 'application/problem+json')
    return `is no problem: ${response.body.slice(0, 300)}`;
  const { errors = [] } = response.json<{ errors?: { field: string }[] }>();
  const named = errors.some((error) => error.field === field || error.field.startsWith(`${field}.`));
  return named ? undefined : `${status} does not name ${field}: ${response.body.slice(0, 300)}`;
}

/** Schemas with a name would be described by reference to it. */
const noNames = z.registry<z.core.GlobalMeta>();

function describe(schema: unknown): JsonSchema {
  return z.toJSONSchema(schema as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
    metadata: noNames,
  }) as JsonSchema;
}

function fieldsOf(schema: unknown): [string, JsonSchema][] {
  return schema instanceof z.ZodType ? Object.entries(describe(schema).properties ?? {}) : [];
}

/** The path with valid parameters, but for those given. */
function pathOf(route: RouteInfo, wrong: Readonly<Record<string, string>> = {}): string {
  return route.url.replace(/:(\w+)/g, (_part, name: string) => wrong[name] ?? newId()).replace('*', 'x');
}

function pathCases(route: RouteInfo): FuzzCase[] {
  return fieldsOf(route.schema.params).flatMap(([name]) =>
    [
      ['wrong type', 'not%20valid'],
      ['too long', 'a'.repeat(1_000)],
      ['far too long', 'a'.repeat(5_000)],
      ['wrong encoding', '%FF'],
      ['NUL', '%00'],
    ].map(([title, value = '']) => ({
      title: `${route.method} ${route.url}: path ${name}: ${title}`,
      request: { method: route.method as 'GET', url: pathOf(route, { [name]: value }) },
      field: name,
    })),
  );
}

function queryCases(route: RouteInfo): FuzzCase[] {
  const request = (query: string): InjectOptions => ({
    method: route.method as 'GET',
    url: `${pathOf(route)}?${query}`,
  });
  const at = (name: string, title: string, query: string) => ({
    title: `${route.method} ${route.url}: query ${name}: ${title}`,
    request: request(query),
    field: name,
  });
  const cases = fieldsOf(route.schema.querystring).flatMap(([name, schema]) => [
    at(name, 'wrong encoding', `${name}=%FF`),
    at(name, 'NUL', `${name}=a%00`),
    at(name, 'too long', `${name}=${'a'.repeat(Math.min((schema.maxLength ?? 2_000) + 1, 8_000))}`),
    ...(schema.type === 'array' ? [] : [at(name, 'wrong type', `${name}=1&${name}=2`)]),
    ...(schema.type === 'integer'
      ? [at(name, 'wrong type', `${name}=abc`), at(name, 'out of range', `${name}=999999`)]
      : []),
  ]);
  const unknown = at('surely_unknown', 'unknown', 'surely_unknown=1');
  return [...cases, unknown];
}

function bodyCases(route: RouteInfo): FuzzCase[] {
  if (!['POST', 'PUT', 'PATCH'].includes(route.method) || !route.consumes.includes(json)) return [];
  const schema = route.schema.body instanceof z.ZodType ? route.schema.body : z.strictObject({});
  return jsonCases(pathOf(route), schema);
}

/**
 * The mistakes in a JSON body for a path. `at` and `beside` are for a schema that describes only a part of
 * it: `at: 'input', beside: { task }`.
 */
export function jsonCases(
  url: string,
  schema: z.ZodType,
  part?: { readonly at: string; readonly beside: Readonly<Record<string, unknown>> },
): FuzzCase[] {
  const whole = part === undefined ? describe(schema) : { properties: { [part.at]: describe(schema) } };
  return mistakes(whole, [], part?.beside).map(({ title, path, payload }) => ({
    title: `POST ${url}: body ${path.join('.')}: ${title}`,
    request: { method: 'POST', url, headers: { 'content-type': json }, payload },
    field: path.join('.'),
  }));
}

interface Mistake {
  readonly title: string;
  readonly path: readonly string[];
  readonly payload: string | Buffer;
}

function mistakes(schema: JsonSchema, at: readonly string[], beside: object = {}): Mistake[] {
  const write = (path: readonly string[], value: unknown) =>
    JSON.stringify({ ...beside, ...(nest(path, value) as object) });
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const path = [...at, name];
    const put = (title: string, value: unknown): Mistake => ({
      title,
      path,
      payload: write(path, value),
    });
    const missing = schema.required?.includes(name)
      ? [{ title: 'missing', path, payload: write(at, {}) }]
      : [];
    return [
      ...missing,
      ...wrongTypes(inner).map((value) => put(`wrong type ${JSON.stringify(value)}`, value)),
      ...tooMuch(inner).map((value) => put('too long', value)),
      ...(inner.type === 'string'
        ? [put('NUL', 'a\u0000'), put('half a surrogate pair', '\ud800'), notUtf8(path, write)]
        : []),
      ...mistakes(inner, path, beside),
    ];
  });
  if (schema.type !== 'object') return inside;
  const path = [...at, 'surely_unknown'];
  return [...inside, { title: 'unknown', path, payload: write(path, 1) }];
}

function wrongTypes(schema: JsonSchema): unknown[] {
  switch (schema.type) {
    case 'string':
      return [
        7,
        true,
        null,
        ['a'],
        { a: 1 },
        ...(schema.enum ? ['surely not one of them'] : []),
        ...(schema.format ? ['?'] : []),
      ];
    case 'integer':
    case 'number':
      return ['7', true, null, [7], ...(schema.type === 'integer' ? [1.5] : [])];
    case 'array':
      return ['a', 7, { a: 1 }, null];
    case 'object':
      return ['a', 7, ['a'], null];
    case 'boolean':
      return ['true', 1, null];
    default:
      return [];
  }
}

function tooMuch(schema: JsonSchema): unknown[] {
  if (schema.maxLength !== undefined) return ['a'.repeat(schema.maxLength + 1)];
  if (schema.maxItems !== undefined) return [Array.from({ length: schema.maxItems + 1 }, () => 'a')];
  const inside = schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER;
  return inside ? [(schema.maximum ?? 0) + 1] : [];
}

function notUtf8(
  path: readonly string[],
  write: (path: readonly string[], value: unknown) => string,
): Mistake {
  const [before = '', after = ''] = write(path, 'MARK').split('MARK');
  const payload = Buffer.concat([Buffer.from(before), Buffer.from([0x61, 0xff]), Buffer.from(after)]);
  return { title: 'wrong encoding', path, payload };
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, name) => ({ [name]: inner }), value);
}

/** Forms that a route declares in `config.bodies`. */
function formCases(route: RouteInfo): FuzzCase[] {
  const form = route.bodies[urlEncoded];
  const fields = fieldsOf(form);
  if (fields.length === 0) return [];
  const required = describe(form).required ?? [];
  const valid = new URLSearchParams(fields.map(([name, schema]): [string, string] => [name, sample(schema)]));
  const at = (name: string, title: string, payload: string) => ({
    title: `${route.method} ${route.url}: form ${name}: ${title}`,
    request: {
      method: 'POST' as const,
      url: pathOf(route),
      headers: { 'content-type': urlEncoded },
      payload,
    },
    field: name,
  });
  const but = (name: string, raw?: string): string => {
    const rest = new URLSearchParams(valid);
    rest.delete(name);
    return [rest.toString(), ...(raw === undefined ? [] : [`${name}=${raw}`])]
      .filter((part) => part !== '')
      .join('&');
  };
  return [
    ...fields.flatMap(([name, schema]) => [
      ...(required.includes(name) ? [at(name, 'missing', but(name))] : []),
      at(name, 'doubled', `${valid}&${name}=a`),
      at(name, 'wrong encoding', but(name, '%FF')),
      at(name, 'NUL', but(name, 'a%00')),
      at(name, 'too long', but(name, 'a'.repeat((schema.maxLength ?? 2_000) + 1))),
      ...(schema.enum || schema.format ? [at(name, 'wrong type', but(name, 'surely+not'))] : []),
    ]),
    at('surely_unknown', 'unknown', `${valid}&surely_unknown=1`),
  ];
}

function sample(schema: JsonSchema): string {
  if (schema.enum) return String(schema.enum[0]);
  return schema.format === 'uuid' ? newId() : 'a';
}
