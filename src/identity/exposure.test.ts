import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load.js';
import { isLoopbackHost } from '../foundation/loopback.js';
import { assertExposureAllowed } from './exposure.js';
import { apiKeySection } from './settings.js';

describe('isLoopbackHost', () => {
  it.each(['127.0.0.1', '127.8.9.1', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1'])(
    '%s is',
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each([
    '',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    '::ffff:10.0.0.1',
    '127.0.0.256',
  ])('%j is not', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});

describe('assertExposureAllowed', () => {
  const apiKey = 'sixteen-characters';
  const required = expect.objectContaining({
    code: 'credentials_required',
    message: expect.stringContaining('SIGNALBOX_API_KEY'),
  });

  it('lets a developer serve loopback without a key', () => {
    expect(() =>
      assertExposureAllowed({ host: '127.0.0.1', apiKey: undefined, production: false }),
    ).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'build-host'])('refuses %s without a key', (host) => {
    expect(() => assertExposureAllowed({ host, apiKey: undefined, production: false })).toThrow(required);
  });

  it('refuses production without a key even on loopback: a proxy may stand before it', () => {
    expect(() => assertExposureAllowed({ host: '127.0.0.1', apiKey: undefined, production: true })).toThrow(
      required,
    );
  });

  it.each([true, false])('lets every address be served with a key (production %s)', (production) => {
    expect(() => assertExposureAllowed({ host: '0.0.0.0', apiKey, production })).not.toThrow();
  });
});

describe('SIGNALBOX_API_KEY', () => {
  const load = (key: string) => loadConfig([apiKeySection], { env: { SIGNALBOX_API_KEY: key } });

  it('takes 16 characters', () => {
    expect(load('0123456789abcdef').get(apiKeySection).apiKey).toBe('0123456789abcdef');
  });

  it.each(['0123456789abcde', 'with a space in it', 'sixteen-charactérs'])(
    'refuses %j without repeating it',
    (key) => {
      let message = '';
      try {
        load(key);
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain('SIGNALBOX_API_KEY');
      expect(message).not.toContain(key);
    },
  );
});
