import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { HttpApp } from './app.js';
import { fuzzCases, judge } from './testing/field-fuzz.js';
import { createToyApp } from './testing/toy-app.js';

let app: HttpApp;
beforeAll(async () => {
  app = await createToyApp();
});
afterAll(async () => app.close());

describe('every field of every route', () => {
  it('refuses every mistake by name, and the process stays well', async () => {
    // The guard comes before any field.
    const cases = fuzzCases(app).filter(({ title }) => !title.includes('/forbidden'));
    expect(cases.length).toBeGreaterThan(80);
    const wrong: string[] = [];
    for (const one of cases) {
      const complaint = await judge(app, one);
      if (complaint !== undefined) wrong.push(`${one.title} ${complaint}`);
    }
    expect(wrong).toEqual([]);
    expect((await app.inject({ url: '/health' })).statusCode).toBe(200);
  });

  it('finds a route that lets mistakes through', async () => {
    const lax = await createToyApp();
    lax.post(
      '/lax',
      {
        config: { permission: 'public' },
        schema: { body: z.strictObject({ a: z.preprocess(String, z.string().max(9)) }) },
      },
      async () => ({}),
    );
    const complaints: string[] = [];
    for (const one of fuzzCases(lax).filter(({ title }) => title.includes('/lax'))) {
      const complaint = await judge(lax, one);
      if (complaint !== undefined) complaints.push(one.title);
    }
    expect(complaints).toContain('POST /lax: body a: wrong type 7');
    await lax.close();
  });
});
