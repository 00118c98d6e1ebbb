import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { silentLogger } from '../foundation/logger.js';
import { createAuthenticator } from '../identity/authenticator.js';
import { assured } from './answers.js';
import { createHttpApp } from './app.js';

const shape = { n: z.int() };
const wrong = { n: 'none', password: 's3cret' };

describe('an answer that is not what its schema says', () => {
  let app: FastifyInstance | undefined;
  afterEach(async () => app?.close());

  async function answerOf(schema: z.ZodType, checkAnswers: boolean) {
    const authenticator = createAuthenticator({ apiKey: undefined });
    app = await createHttpApp({ logger: silentLogger, authenticator, version: '0.0.0', checkAnswers });
    const options = { config: { permission: 'public' }, schema: { response: { 200: schema } } } as const;
    app.get('/answer', options, async () => wrong);
    return app.inject({ url: '/answer', headers: { host: 'localhost' } });
  }

  it('never leaves, unless its schema is assured', async () => {
    const response = await answerOf(z.object(shape), false);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('s3cret');
  });

  it('leaves as it is when its schema is assured', async () => {
    expect((await answerOf(assured(z.object(shape)), false)).json()).toEqual(wrong);
  });

  it('is found by tests all the same', async () => {
    expect((await answerOf(assured(z.object(shape)), true)).statusCode).toBe(500);
  });
});
