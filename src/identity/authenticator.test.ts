import { describe, expect, it } from 'vitest';
import { createAuthenticator } from './authenticator.js';

const key = 'k3y-of-at-least-16-chars';

describe('with a key', () => {
  const authenticator = createAuthenticator({ apiKey: key, permissions: ['assets:write'] });

  it.each([
    ['bearer', { authorization: `Bearer ${key}` }],
    ['bearer in another case', { authorization: `bEARER ${key}` }],
    ['X-API-Key', { apiKey: key }],
    ['both', { authorization: `Bearer ${key}`, apiKey: key }],
  ])('accepts it as %s, with every declared permission', async (_how, credentials) => {
    const principal = await authenticator.authenticate(credentials);
    expect(principal.id).toBe('api-key');
    expect(principal.has('jobs:read')).toBe(true);
    expect(principal.has('assets:write')).toBe(true);
    expect(principal.has('assets:unheard_of')).toBe(false);
  });

  it.each([
    ['a wrong key', { apiKey: 'k3y-of-at-least-16-charz' }],
    ['a prefix of it', { apiKey: key.slice(0, -1) }],
    ['an empty key', { apiKey: '' }],
    ['an empty header', { authorization: '' }],
    ['another scheme', { authorization: `Basic ${Buffer.from(`a:${key}`).toString('base64')}` }],
    ['the bare key without a scheme', { authorization: key }],
    ['a right key beside a wrong one', { authorization: `Bearer ${key}`, apiKey: 'wrong' }],
    ['two keys in one header', { apiKey: `${key}, ${key}` }],
  ])('refuses %s', async (_what, credentials) => {
    await expect(authenticator.authenticate(credentials)).rejects.toMatchObject({
      code: 'credentials_invalid',
      status: 401,
    });
  });

  it('asks for one when there is none', async () => {
    await expect(authenticator.authenticate({})).rejects.toMatchObject({ code: 'credentials_missing' });
    expect(authenticator.anonymousAllowed).toBe(false);
  });
});

describe('without a key', () => {
  const authenticator = createAuthenticator({ apiKey: undefined });

  it('lets the developer in', async () => {
    expect(authenticator.anonymousAllowed).toBe(true);
    expect((await authenticator.authenticate({})).id).toBe('local');
  });

  it('still refuses credentials that it cannot check, rather than calling their bearer the developer', async () => {
    await expect(authenticator.authenticate({ apiKey: key })).rejects.toMatchObject({
      code: 'credentials_invalid',
    });
    await expect(authenticator.authenticate({ apiKey: '' })).rejects.toMatchObject({
      code: 'credentials_invalid',
    });
  });
});
