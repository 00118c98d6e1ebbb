import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../foundation/logger.js';
import { createHttpApp, type HttpApp } from '../http/app.js';
import { walkRoutes } from '../http/routes.js';
import type { Authenticator } from '../identity/authenticator.js';
import { registerConsole } from './console.js';

let root: string;
let app: HttpApp;

/** The console is for everybody: whoever is asked for credentials here has found a bug. */
const nobody: Authenticator = {
  anonymousAllowed: false,
  authenticate: () => Promise.reject(new Error('credentials were asked for')),
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'console-'));
  app = await createHttpApp({ logger: silentLogger, authenticator: nobody, version: '0.0.0' });
  await registerConsole(app, { root });
});

afterEach(async () => {
  await app.close();
  await rm(root, { recursive: true });
});

async function build() {
  await mkdir(join(root, 'assets'));
  await writeFile(join(root, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(root, 'theme.js'), '1');
  await writeFile(join(root, 'assets', 'index-Ab12_-x.js'), '2');
  await writeFile(join(root, '.env'), 'secret');
  await writeFile(`${root}-outside.js`, 'secret');
}

afterEach(() => rm(`${root}-outside.js`, { force: true }));

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

describe('the built console', () => {
  beforeEach(build);

  it.each([
    '/admin/dashboard',
    '/admin/dashboard/',
    '/admin/dashboard?job=1',
    '/admin/dashboard/index.html',
    '/admin/dashboard/jobs/0199',
  ])('answers %s with the page, never from an old copy', async (url) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect(answer.body).toContain('page');
  });

  it('lets hashed files be kept for ever, others not', async () => {
    const hashed = await get('/admin/dashboard/assets/index-Ab12_-x.js');
    expect(hashed.statusCode).toBe(200);
    expect(hashed.headers['content-type']).toContain('javascript');
    expect(hashed.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const plain = await get('/admin/dashboard/theme.js');
    expect(plain.headers['cache-control']).toBe('no-cache');
  });

  it('answers 304 to a copy that is still true', async () => {
    const first = await get('/admin/dashboard');
    const again = await get('/admin/dashboard', { 'if-none-match': String(first.headers.etag) });
    expect(again.statusCode).toBe(304);
  });

  it('answers HEAD', async () => {
    const answer = await app.inject({ method: 'HEAD', url: '/admin/dashboard' });
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe('');
  });

  it.each([
    'assets/gone.js',
    'assets/gone',
    'assets/',
    'nothing.png',
    '.env',
    '..%2f..%2fetc%2fpasswd',
    '../../etc/passwd',
    'assets/../.env',
    'assets/..%5c.env',
  ])('has no file %s', async (path) => {
    const answer = await get(`/admin/dashboard/${path}`);
    expect(answer.statusCode).toBe(404);
    expect(answer.body).not.toContain('secret');
  });

  it('refuses a NUL byte', async () => {
    expect((await get('/admin/dashboard/x%00.js')).statusCode).toBe(422);
  });

  it('allows no inline script and no foreign host, on errors too', async () => {
    for (const url of ['/admin/dashboard', '/admin/dashboard/assets/gone.js']) {
      const { headers } = await get(url);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain('unsafe');
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it('declares the permission of every route', () => {
    const routes = walkRoutes(app).filter(({ url }) => url.startsWith('/admin/dashboard'));
    expect(routes.length).toBeGreaterThan(1);
    expect(new Set(routes.map(({ permission }) => permission))).toEqual(new Set(['public']));
  });
});

describe('without a build', () => {
  it('tells a person what to run', async () => {
    const answer = await get('/admin/dashboard', { accept: 'text/html,*/*' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toContain('npm run build');
  });

  it('tells a program what to run', async () => {
    const answer = await get('/admin/dashboard', { accept: 'application/json' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      code: 'console_not_built',
      detail: expect.stringContaining('npm run build'),
    });
  });

  it('serves the console once it is built, without a restart', async () => {
    await build();
    expect((await get('/admin/dashboard')).statusCode).toBe(200);
  });
});
