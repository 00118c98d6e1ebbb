import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignalboxError } from '../foundation/errors.js';
import { loadConfig } from './load.js';
import { defineSection } from './section.js';
import { bytes, choice, duration, flag, integer, list, text, url } from './setting.js';

const section = defineSection({
  name: 'sample',
  settings: {
    name: text({ env: 'NAME', help: 'A name.', fallback: undefined, minLength: 3 }),
    port: integer({ env: ['PORT', 'OLD_PORT'], help: 'A port.', fallback: 8000, min: 0, max: 65_535 }),
    open: flag({ env: 'OPEN', help: 'A flag.', fallback: false }),
    level: choice({
      env: 'LEVEL',
      help: 'A level.',
      fallback: 'info',
      words: ['info', 'warn'],
      synonyms: { warning: 'warn' },
    }),
    wait: duration({ env: 'WAIT', help: 'A wait.', fallback: 1_000, maxMs: 60_000 }),
    size: bytes({ env: 'SIZE', help: 'A size.', fallback: 10, max: 1_073_741_824 }),
    key: text({ env: 'KEY', help: 'A secret.', secret: true, fallback: undefined }),
    url: url({ env: 'SOME_URL', help: 'A URL.', fallback: undefined, schemes: ['https'] }),
    words: list({ env: 'WORDS', help: 'Words.', fallback: [], pattern: /^[a-z]+$/ }),
  },
  check: ({ open, key }) => (open && key === undefined ? ['OPEN needs KEY'] : []),
});

function problems(env: Record<string, string>): string[] {
  try {
    loadConfig([section], { env });
  } catch (error) {
    if (isSignalboxError(error, 'config_invalid')) return error.fields.map(({ field }) => field);
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('uses the fallback for what is absent or empty', () => {
    const values = loadConfig([section], { env: { NAME: '', PORT: '' } }).get(section);
    expect(values).toEqual({
      name: undefined,
      port: 8000,
      open: false,
      level: 'info',
      wait: 1_000,
      size: 10,
      key: undefined,
      url: undefined,
      words: [],
    });
  });

  it('reads every kind of value', () => {
    const env = {
      NAME: 'Ada',
      OLD_PORT: '81',
      OPEN: 'Yes',
      LEVEL: 'WARNING',
      WAIT: '1.5s',
      SIZE: '2mb',
      KEY: 'k',
      SOME_URL: 'https://example.org/x',
      WORDS: 'a, b,,c',
    };
    expect(loadConfig([section], { env }).get(section)).toEqual({
      name: 'Ada',
      port: 81,
      open: true,
      level: 'warn',
      wait: 1_500,
      size: 2_097_152,
      key: 'k',
      url: 'https://example.org/x',
      words: ['a', 'b', 'c'],
    });
  });

  it('reports every error at once, by the name that was set, without the value', () => {
    const env = {
      NAME: 'xy',
      OLD_PORT: '65536',
      OPEN: 'perhaps',
      LEVEL: 'loud',
      WAIT: '2 fortnights',
      SIZE: '-1',
      SOME_URL: 'ftp://hidden-value',
      WORDS: 'a,B',
    };
    expect(problems(env)).toEqual(Object.keys(env));
    expect(() => loadConfig([section], { env })).not.toThrow(/hidden-value/);
  });

  it('checks rules across values only when the values are right', () => {
    expect(problems({ OPEN: 'true' })).toEqual(['sample']);
    expect(problems({ OPEN: 'true', PORT: 'x' })).toEqual(['PORT']);
  });

  it('prefers flags to the environment, and says where each value came from', () => {
    const config = loadConfig([section], { env: { PORT: '1', KEY: 'top secret' }, flags: { PORT: '2' } });
    expect(config.get(section).port).toBe(2);
    const told = Object.fromEntries(config.effective.map((s) => [s.name, `${s.value} from ${s.source}`]));
    expect(told).toMatchObject({
      PORT: '2 from flag PORT',
      KEY: '(hidden) from env KEY',
      NAME: '(unset) from default',
      LEVEL: 'info from default',
    });
    expect(JSON.stringify(config)).not.toContain('top secret');
  });

  it('warns of settings of the guides without a use, and of misspelt ones of ours', () => {
    const env = {
      KEYCLOAK_REALM: 'x',
      SENTRY_RELEASE: '1',
      SIGNALBOX_QUEUE: 'a',
      PATH: '/bin',
      SENTRY_DSN: '',
    };
    const { warnings } = loadConfig([section], { env });
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
      'KEYCLOAK_REALM',
      'SENTRY_RELEASE',
      'SIGNALBOX_QUEUE',
    ]);
  });

  it('never fails in another way, whatever the environment holds', () => {
    const names = Object.values(section.settings).flatMap((setting) => setting.env);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), (env) => {
        problems(env);
      }),
    );
  });
});
