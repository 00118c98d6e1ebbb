import fc from 'fast-check';

/** A secret in its surroundings. What `hidden` says must be gone; the rest of `text` may stay. */
export interface Planted {
  readonly text: string;
  readonly hidden: string;
}

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const digits = [...'0123456789'];
const token = (extra: string, min: number, max = min) =>
  fc.string({ unit: fc.constantFrom(...letters, ...digits, ...extra), minLength: min, maxLength: max });
/** With a digit early on, as every random token has. */
const body = (extra: string, min: number, max = min + 20) => token(extra, min, max).map((text) => `4${text}`);
const upper = fc.string({
  unit: fc.constantFrom(...letters.slice(0, 26), ...digits),
  minLength: 16,
  maxLength: 16,
});
const base64url = (min: number) => token('-_', min, min + 60);

const plain = (prefix: string, arbitrary: fc.Arbitrary<string>): fc.Arbitrary<Planted> =>
  arbitrary.map((hidden) => ({ text: prefix + hidden, hidden }));

/** One of every kind that `docs/logs.md` names. */
export const plantedSecret: fc.Arbitrary<Planted> = fc.oneof(
  plain('Bearer ', body('-._~+/', 16)),
  plain('authorization: Bearer ', body('-._', 16)),
  plain('Basic ', body('+/', 16)),
  plain('Cookie: ', body('=;', 8)),
  plain('X-Api-Key: ', body('-', 12)),
  plain('sk-', body('', 40)),
  plain('sk-proj-', body('-_', 40)),
  plain('sk-ant-api03-', body('-_', 80)),
  plain('sk_live_', body('', 20)),
  plain('ghp_', body('', 35, 35)),
  plain('ghs_', body('', 35, 35)),
  plain('github_pat_', body('_', 80)),
  plain('glpat-', body('-_', 19)),
  plain('xoxb-', body('-', 30)),
  plain('npm_', body('', 35)),
  plain('AKIA', upper),
  plain('ASIA', upper),
  plain('aws_secret_access_key=', body('/+', 39, 39)),
  plain('AIza', base64url(35)),
  fc
    .tuple(base64url(12), base64url(12), base64url(20))
    .map((parts) => ({ text: `eyJ${parts.join('.')}`, hidden: parts.join('.') })),
  fc
    .tuple(
      fc.constantFrom('', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '),
      fc.array(body('+/=', 63), { minLength: 1 }),
    )
    .map(([kind, lines]) => ({
      text: `-----BEGIN ${kind}PRIVATE KEY-----\n${lines.join('\n')}\n-----END ${kind}PRIVATE KEY-----`,
      hidden: lines[0] ?? '',
    })),
  fc
    .tuple(
      fc.constantFrom('postgres://app', 'redis://', 'https://user.name', 'amqp://a%20b'),
      token("-._~!$&'()*+,;=:@%", 8, 30).map((text) => `p4${text}`),
    )
    .map(([start, hidden]) => ({ text: `${start}:${hidden}@db.internal:5432/app?x=1`, hidden })),
  plain('https://hooks.slack.com/services/', body('/', 30)),
  plain('https://api.example.com/v1/items?page=2&access_token=', body('-_.', 16)),
  plain('https://blob.example.com/x?sv=1&sig=', body('%', 16)),
  plain('password=', body('!$%*', 6)),
  fc
    .tuple(
      fc.constantFrom('password', 'client_secret', 'apiKey', 'API_KEY', 'refreshToken', 'connection-string'),
      body('"\\{}[],: ', 8),
    )
    .map(([name, hidden]) => ({
      text: JSON.stringify({ a: 1, [name]: hidden, z: [2] }),
      hidden: JSON.stringify(hidden).slice(1, -1),
    })),
);

const word = fc.constantFrom(
  ...[
    'the',
    'task',
    'disk-3',
    'job',
    'failed:',
    'token',
    'tokens',
    'secret',
    'password',
    'Basic authentication is off',
    'authentication',
    'the bearer token',
  ],
  ...[
    'of',
    'images.enhance',
    'connect',
    'ECONNREFUSED',
    '127.0.0.1:5432',
    'HTTP',
    '503',
    '(hidden)',
    '12.5 ms',
    'a@b.example',
  ],
  ...[
    'task-0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b',
    'https://example.com/a/b?page=2&limit=50#top',
    'http://[::1]:8000/',
  ],
  ...[
    '/var/lib/postgresql/data',
    'at Object.run (file:///app/dist/worker.js:12:34)',
    '{"tokens":120,"max_tokens":4096}',
  ],
  ...[
    'ssh://git@github.com/a/b.git',
    'größer',
    '日本語',
    '🙂',
    'SELECT * FROM job WHERE id = $1',
    '2025-01-01T00:00:00.000Z',
  ],
  ...[
    '"quoted"',
    'C:\\dir\\file',
    'base64:aGVsbG8gd29ybGQ=',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ],
);

/** What lines say when they hold no secret. */
export const ordinaryText: fc.Arbitrary<string> = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', '\n', ', ', '\t')), { maxLength: 12 })
  .map((words) => words.flat().join(''));

/** Fragments of what the redactor looks for, in any order. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          'sk-',
          'ghp_',
          'eyJ',
          'eyJabcdefgh.abcd',
          'AKIA',
          'AKIA0123456789ABCDEF',
          '://',
          '://a:',
          '@',
          ':',
          '=',
        ],
        ...[
          'password',
          'token',
          '"',
          '\\',
          '\\"',
          '\\\\\\"',
          '{',
          '}',
          '[',
          ']',
          ',',
          ' ',
          '\n',
          '\u0000',
          '\u001b[31m',
        ],
        ...[
          '":"',
          '": {',
          'Bearer ',
          '-----BEGIN PRIVATE KEY-----',
          '-----END PRIVATE KEY-----',
          '(hidden)',
          'cookie: ',
        ],
        ...[
          'hooks.slack.com/services/',
          '0123456789abcdefABCDEF',
          'key',
          'api_',
          "'",
          '?sig=',
          '\ud800',
          '1e5',
          '-12',
        ],
      ),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));
