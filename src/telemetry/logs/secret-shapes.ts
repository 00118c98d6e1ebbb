/**
 * How secrets look. What `keep` finds stays, what `hide` matches after it is hidden.
 *
 * Lines come from strangers, so no shape may look at a character more than a few times: nothing that could fail stands
 * behind an unbounded part. What cannot be said that way is asked of the whole find, in `holds`.
 * Each alternative costs every line some time.
 */
export interface SecretShape {
  /** Patterns without groups that are numbered. */
  readonly keep: string;
  readonly hide: string;
  /** What is special: a secret that is known; hidden is the value that follows, or the block up to its end. */
  readonly rest?: 'known' | 'value' | 'key-block';
  /** Whether it is one after all; otherwise the whole find stays. */
  readonly holds?: (hidden: string) => boolean;
  /** Whether another secret may begin within a find that is none. */
  readonly lookWithin?: boolean;
}

export const hiddenText = '(hidden)';

const names = [
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'authorization', 'cookie', 'credentials?'],
  'signature',
]
  .map(inCases)
  .concat(
    `(?:${['api', 'secret', 'access', 'private', 'signing'].map(inCases).join('|')})[_-]?${inCases('key')}`,
    `${inCases('connection')}[_-]?${inCases('string')}`,
    '[?&]sig',
  )
  .join('|');

export const secretShapes: readonly SecretShape[] = [
  // Fields, JSON within strings (where every quote has backslashes before it), `name=value`, headers.
  { keep: `(?:${names})(?:\\\\{0,15}"\\s{0,4}:\\s{0,4}|=|:[ \\t]{1,4})`, hide: '', rest: 'value' },
  {
    keep: '(?:[Bb](?:earer|asic)|BEARER|BASIC) {1,4}',
    hide: '\\w[\\w.~+/=-]{5,}',
    holds: (token) => /\d|[a-z][A-Z]/.test(token) || token.length >= 24,
    lookWithin: true,
  },
  // User and password before a host. A second look must find no more than the first.
  {
    keep: ':\\/\\/[^\\s\\/"\\\\@:?#]*:',
    hide: '[^\\s\\/"\\\\?#]+(?=@)',
    holds: (password) => !password.includes(hiddenText),
    lookWithin: true,
  },
  // OpenAI and Anthropic, Stripe, GitHub, GitLab, Slack, npm. Not the end of a word: task-1, disk-2.
  {
    keep: '(?<![aeiouAEIOU])sk-|[spr]k_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|npm_',
    hide: '[\\w-]{16,}',
    holds: (token) => /[\dA-Z]/.test(token),
  },
  // AWS, Google.
  { keep: 'A[KS]IA', hide: '[A-Z0-9]{16}[\\w-]*' },
  { keep: 'AIza', hide: '[\\w-]{30,}' },
  // A JSON Web Token has dots; base64 of any other JSON begins the same way.
  { keep: 'eyJ', hide: '[\\w-]{8,}(?:\\.[\\w-]*)*', holds: (token) => /\.[\w-]{4}/.test(token) },
  {
    keep: 'hooks\\.slack(?:-gov)?\\.com\\/(?:services|workflows|triggers)\\/|discord(?:app)?\\.com\\/api\\/webhooks\\/',
    hide: '[\\w/-]+',
  },
  { keep: '', hide: '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----', rest: 'key-block' },
];

/** `token`, `Token`, `TOKEN`. */
function inCases(word: string): string {
  const [first = '', ...more] = word;
  return `(?:[${first}${first.toUpperCase()}]${more.join('')}|${word.toUpperCase()})`;
}
