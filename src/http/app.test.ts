import { afterEach, describe, expect, it } from 'vitest';
import type { Logger } from '../foundation/logger.js';
import type { HttpApp } from './app.js';
import { walkRoutes } from './routes.js';
import { createToyApp, type ToyOptions, toyKey } from './testing/toy-app.js';

let app: HttpApp | undefined;
afterEach(async () => app?.close());

async function toy(options: ToyOptions = {}): Promise<HttpApp> {
  app = await createToyApp(options);
  return app;
}

const uuid = '0192d3b4-7c1e-7000-8000-000000000000';

describe('every answer', () => {
  it.each([
    ['a success', 'GET', '/health', 200],
    ['an error of ours', 'GET', '/things?limit=x', 422],
    ['an unknown path', 'GET', '/nowhere', 404],
    ['a path that does not decode', 'GET', '/things/%FF', 400],
    ['a fault', 'GET', '/broken', 500],
  ] as const)(
    '%s carries X-Request-Id, X-Response-Time and the security headers',
    async (_what, method, url, status) => {
      const response = await (await toy()).inject({ method, url });
      expect(response.statusCode).toBe(status);
      expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers['x-response-time']).toMatch(/^\d+\.\dms$/);
      expect(response.headers['x-content-type-options']).toBe('nosniff');
      expect(response.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(response.headers['referrer-policy']).toBe('no-referrer');
    },
  );

  it("keeps the caller's request id when it is safe, and only then", async () => {
    const toyApp = await toy();
    const idFor = async (given: string) =>
      (await toyApp.inject({ url: '/health', headers: { 'x-request-id': given } })).headers['x-request-id'];
    expect(await idFor('Trace_1.2-3')).toBe('Trace_1.2-3');
    expect(await idFor('a'.repeat(128))).toBe('a'.repeat(128));
    for (const bad of ['', 'a'.repeat(129), 'with space', '<script>', 'é']) {
      expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('errors', () => {
  it('are problems with a stable code and the request id', async () => {
    const response = await (await toy()).inject({
      url: '/things?limit=0&color=red',
      headers: { 'x-request-id': 'r-1' },
    });
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toEqual({
      type: 'urn:signalbox:error:fields_invalid',
      title: 'Fields of the request are not valid.',
      status: 422,
      detail: 'limit must be at least 1; color is not a known field here.',
      code: 'fields_invalid',
      request_id: 'r-1',
      retryable: false,
      errors: [
        { field: 'limit', message: 'must be at least 1' },
        { field: 'color', message: 'is not a known field here' },
      ],
    });
  });

  it('of our own making say nothing of the cause, which the log has under the same id', async () => {
    const lines: { fields: object; message: string }[] = [];
    const record = (fields: object, message: string) => void lines.push({ fields, message });
    const logger: Logger = { debug: record, info: record, warn: record, error: record, child: () => logger };
    const response = await (await toy({ logger })).inject({
      url: '/broken',
      headers: { 'x-request-id': 'r-2' },
    });
    expect(response.json()).toMatchObject({ status: 500, code: 'internal_error', request_id: 'r-2' });
    expect(response.body).not.toContain('42');
    expect(lines).toContainEqual({
      fields: expect.objectContaining({ request_id: 'r-2', error: 'the secret is 42' }),
      message: 'a request failed',
    });
  });

  it('find all problems of a body at once', async () => {
    const response = await (await toy()).inject({
      method: 'POST',
      url: '/things',
      payload: { size: 10, kind: 'green', tags: ['a', 'b', 'c', 'd'], more: { note: 7, x: 1 }, y: 2 },
    });
    expect(response.statusCode).toBe(422);
    expect(response.json().errors).toEqual([
      { field: 'name', message: 'is required' },
      { field: 'size', message: 'must be at most 9' },
      { field: 'kind', message: 'must be one of red, blue' },
      { field: 'tags', message: 'must have at most 3 items' },
      { field: 'more.note', message: 'must be a string' },
      { field: 'more.x', message: 'is not a known field here' },
      { field: 'y', message: 'is not a known field here' },
    ]);
  });

  it('tell 405 with Allow from 404', async () => {
    const toyApp = await toy();
    const wrongMethod = await toyApp.inject({ method: 'DELETE', url: `/things/${uuid}` });
    expect(wrongMethod.statusCode).toBe(405);
    expect(wrongMethod.headers.allow).toBe('GET, HEAD');
    expect(wrongMethod.json().code).toBe('method_not_allowed');
    expect((await toyApp.inject({ method: 'PUT', url: '/things?x=1' })).headers.allow).toBe(
      'GET, HEAD, POST',
    );
    expect((await toyApp.inject({ method: 'POST', url: '/things/' })).json().code).toBe('route_not_found');
    expect((await toyApp.inject({ method: 'HEAD', url: '/stream' })).statusCode).toBe(405);
  });
});

describe('bodies', () => {
  const post = async (
    payload: string | Buffer | undefined,
    headers: Record<string, string> = {},
    url = '/things',
  ) =>
    (await toy()).inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      ...(payload === undefined ? {} : { payload }),
    });

  it.each([
    ['broken JSON', '{"name":', 400, 'body_malformed'],
    ['an empty body', '', 400, 'body_missing'],
    ['no body', undefined, 400, 'body_missing'],
    ['a poisoned prototype', '{"name":"a","size":1,"__proto__":{"x":1}}', 400, 'body_malformed'],
    ['a poisoned constructor', '{"name":"a","size":1,"constructor":{"prototype":{}}}', 400, 'body_malformed'],
    ['deep nesting', `{"name":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400, 'body_malformed'],
    ['a megabyte of brackets', '['.repeat(1_000_000), 400, 'body_malformed'],
    ['too much', `"${'a'.repeat(1_048_576)}"`, 413, 'body_too_large'],
    ['null', 'null', 422, 'fields_invalid'],
    ['a list', '[]', 422, 'fields_invalid'],
  ])('refuses %s', async (_what, payload, status, code) => {
    const response = await post(payload);
    expect(response.statusCode).toBe(status);
    expect(response.json().code).toBe(code);
  });

  it.each([
    ['another type', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['a compressed body', { 'content-encoding': 'gzip' }],
  ])('refuses %s with 415', async (_what, headers) => {
    const response = await post('{"name":"a","size":1}', headers);
    expect(response.statusCode).toBe(415);
    expect(response.json().code).toBe('media_type_unsupported');
  });

  it('accepts UTF-8 by any name of it', async () => {
    expect(
      (await post('{"name":"ä","size":1}', { 'content-type': 'application/json; charset="UTF-8"' }))
        .statusCode,
    ).toBe(201);
    expect((await post('\ufeff{"name":"ä","size":1}')).statusCode).toBe(201);
  });

  it('names the fields that are not UTF-8', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"name":"'),
      Buffer.from([0xff]),
      Buffer.from('","size":1,"more":{"note":"'),
      Buffer.from([0xc3]),
      Buffer.from('"},"kind":"blü"}'),
    ]);
    const response = await post(bad);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'encoding_invalid',
      errors: [{ field: 'name' }, { field: 'more.note' }],
    });
  });

  it.each([
    ['NUL', '\\u0000', 'must not contain the NUL character'],
    ['half a surrogate pair', '\\ud800', 'must be valid Unicode, without lone surrogates'],
  ])('names the fields that hold %s', async (_what, text, message) => {
    const response = await post(`{"name":"a${text}","size":1,"tags":["ok","${text}"]}`);
    expect(response.statusCode).toBe(422);
    expect(response.json().errors).toEqual([
      { field: 'name', message },
      { field: 'tags.1', message },
    ]);
  });

  it('takes none where none is declared, but forgives an empty one', async () => {
    expect((await post('', {}, `/things/${uuid}/poke`)).statusCode).toBe(200);
    expect((await post('{}', {}, `/things/${uuid}/poke`)).statusCode).toBe(200);
    expect((await post('{"hard":true}', {}, `/things/${uuid}/poke`)).json().errors).toEqual([
      { field: 'hard', message: 'is not a known field here' },
    ]);
  });

  it('refuses a query where none is declared', async () => {
    const response = await (await toy()).inject({ url: `/things/${uuid}?verbose=1` });
    expect(response.json()).toMatchObject({ status: 422, errors: [{ field: 'verbose' }] });
  });
});

describe('pages', () => {
  it('keep their query to themselves when they are hidden from the description', async () => {
    const toyApp = await toy();
    toyApp.get('/page', { config: { permission: 'public' }, schema: { hide: true } }, async () => 'page');
    expect((await toyApp.inject({ url: '/page?filter=x' })).statusCode).toBe(200);
    expect((await toyApp.inject({ url: '/docs?x=1' })).statusCode).toBe(200);
  });
});

describe('urls', () => {
  it.each([
    ['/things/%00', 422, 'id'],
    ['/things/%FF', 400, 'id'],
    ['/things/%zz', 400, 'id'],
    ['/things/not-a-uuid', 422, 'id'],
    [`/things/${'a'.repeat(1_025)}`, 414, 'id'],
    ['/things?name=%FF', 400, 'name'],
    ['/things?name=%zz', 400, 'name'],
    ['/things?name=a%00b', 422, 'name'],
    ['/things?name=a&name=b', 422, 'name'],
    ['/things?%FF=1', 400, 'query'],
    ['/things?limit=1e2', 422, 'limit'],
    ['/things?limit=', 422, 'limit'],
    ['/things?limit=201', 422, 'limit'],
    ['/things?kind=red,green', 422, 'kind.1'],
    ['/things?cursor=nonsense', 422, 'cursor'],
    ['/things?cursor=YXQtMQ==', 422, 'cursor'],
  ])('GET %s is %i and names %s', async (url, status, field) => {
    const response = await (await toy()).inject({ url });
    expect(response.statusCode).toBe(status);
    expect(response.json().errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('accepts what it should', async () => {
    const toyApp = await toy();
    for (const url of [
      '/things?kind=red,blue&limit=200',
      '/things?kind=red&kind=blue',
      '/things?cursor=YXQtMQ',
      '/things?name=a+b%C3%A4',
    ]) {
      expect((await toyApp.inject({ url })).statusCode).toBe(200);
    }
  });
});

describe('the guard', () => {
  const withKey = { 'x-api-key': toyKey };

  it('refuses routes that declare no permission when they are registered', async () => {
    const toyApp = await toy();
    expect(() => toyApp.get('/open', async () => ({}))).toThrow(
      'Route GET /open must declare config.permission',
    );
    const config = { permission: 'everything' } as never;
    expect(() => toyApp.get('/open', { config }, async () => ({}))).toThrow('must declare config.permission');
  });

  it('covers every route of the table, automatic HEAD routes and the reference included', async () => {
    const routes = walkRoutes(await toy());
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.filter(({ permission }) => permission === undefined)).toEqual([]);
    expect(routes).toContainEqual(
      expect.objectContaining({ method: 'HEAD', url: '/things', permission: 'things:read' }),
    );
    const byDefault = routes.filter(({ url }) => url.startsWith('/docs')).map(({ permission }) => permission);
    expect(new Set(byDefault)).toEqual(new Set(['public']));
  });

  it.each(['GET', 'HEAD'] as const)('asks for credentials (%s)', async (method) => {
    const response = await (await toy({ apiKey: toyKey })).inject({ method, url: '/things' });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="signalbox"');
    expect(response.headers['x-request-id']).toBeDefined();
  });

  it('refuses wrong ones, and says in which way', async () => {
    const response = await (await toy({ apiKey: toyKey })).inject({
      url: '/things',
      headers: { authorization: 'Bearer nope' },
    });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="signalbox", error="invalid_token"');
  });

  it('refuses wrong ones even where none would be needed', async () => {
    expect((await (await toy()).inject({ url: '/things', headers: withKey })).statusCode).toBe(401);
  });

  it('accepts right ones and tells the route who calls', async () => {
    const response = await (await toy({ apiKey: toyKey })).inject({ url: '/principal', headers: withKey });
    expect(response.json()).toEqual({ id: 'api-key' });
  });

  it('names the permission that is lacking', async () => {
    const response = await (await toy({ apiKey: toyKey })).inject({ url: '/forbidden', headers: withKey });
    expect(response.json()).toMatchObject({
      status: 403,
      code: 'permission_denied',
      detail: expect.stringContaining('nobody:ever'),
    });
  });

  it('does not read the body of a caller it refuses', async () => {
    const response = await (await toy({ apiKey: toyKey })).inject({
      method: 'POST',
      url: '/things',
      headers: { 'content-type': 'application/json' },
      payload: 'not json',
    });
    expect(response.statusCode).toBe(401);
  });

  it('serves public routes without credentials', async () => {
    const toyApp = await toy({ apiKey: toyKey });
    for (const url of ['/health', '/openapi.json', '/docs', '/docs/static/swagger-ui.css']) {
      expect((await toyApp.inject({ url })).statusCode).toBe(200);
    }
  });
});

describe('without credentials', () => {
  it.each(['localhost', 'localhost:8000', '127.0.0.1:8000', '[::1]:8000'])('serves Host %s', async (host) => {
    expect((await (await toy()).inject({ url: '/things', headers: { host } })).statusCode).toBe(200);
  });

  it.each([
    'evil.test',
    'evil.test:8000',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    '10.0.0.7',
    'localhost:80@evil',
  ])('refuses Host %j: a name that was rebound to loopback', async (host) => {
    const response = await (await toy()).inject({ url: '/things', headers: { host } });
    expect(response.json()).toMatchObject({ status: 421, code: 'host_not_allowed' });
  });

  const poke = async (headers: Record<string, string>, apiKey?: string) =>
    (await toy(apiKey === undefined ? {} : { apiKey })).inject({
      method: 'POST',
      url: `/things/${uuid}/poke`,
      headers: { host: 'localhost:8000', ...headers },
    });

  it.each([
    ['none of the marks of a browser', {}],
    ['its own page', { origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
  ])('lets change things: %s', async (_who, headers) => {
    expect((await poke(headers)).statusCode).toBe(200);
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { origin: 'http://localhost:9000', 'sec-fetch-site': 'same-site' }],
    ['another origin, in an old browser', { origin: 'http://evil.test' }],
    ['a sandboxed page', { origin: 'null' }],
  ])('does not let change things: %s', async (_who, headers) => {
    expect((await poke(headers)).json()).toMatchObject({ status: 403, code: 'cross_site' });
  });

  it('is what this is about: with a key any host and origin may call', async () => {
    const headers = {
      host: 'jobs.example.com',
      origin: 'https://app.example.com',
      'sec-fetch-site': 'cross-site',
      'x-api-key': toyKey,
    };
    expect((await poke(headers, toyKey)).statusCode).toBe(200);
  });
});

describe('registration', () => {
  it('refuses schemas that would let unknown or endless input through', async () => {
    const { z } = await import('zod');
    const toyApp = await toy();
    const add = (body: unknown) =>
      toyApp.post('/lax', { config: { permission: 'public' }, schema: { body } as never }, async () => ({}));
    expect(() => add(z.object({ a: z.int() }))).toThrow('body of POST /lax: value must be a z.strictObject');
    expect(() => add(z.strictObject({ a: z.object({ b: z.int() }).optional() }))).toThrow(
      'value.a must be a z.strictObject',
    );
    expect(() => add(z.strictObject({ a: z.string() }))).toThrow('value.a needs a .max()');
    expect(() => add(z.strictObject({ a: z.array(z.int()) }))).toThrow(
      'value.a needs a .max() for its items',
    );
    expect(() => add({ type: 'object' })).toThrow('must be a zod schema');
  });
});
