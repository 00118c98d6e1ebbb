/** Shorter ones would take words out of every answer. */
const minLength = 4;

/** What a URL may keep secret: its long segments, the values of its query, its user and its password. */
export function secretsOf(given: string): readonly string[] {
  const url = new URL(given);
  const segments = url.pathname.split('/').filter((segment) => segment.length >= 8);
  const { password, username } = url;
  return [
    given,
    url.href,
    ...(segments.length > 0 ? [url.pathname, ...segments] : []),
    ...url.searchParams.values(),
    ...(username + password === '' ? [] : [password, decodeURIComponent(password), basicCredentials(url)]),
  ];
}

/** As they stand in an `Authorization` header. */
export function basicCredentials({ username, password }: URL): string {
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
}

/** Replaces what a hostile or merely talkative receiver repeats. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= minLength)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.replaceAll(secret, '(hidden)'), text);
}
