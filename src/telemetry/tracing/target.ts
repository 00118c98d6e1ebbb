/** Where spans are sent. */
export interface CollectorTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The collector of the settings; `undefined` without one. */
export function collectorOf(settings: {
  readonly endpoint: string | undefined;
  readonly tracesEndpoint: string | undefined;
  readonly headers: string | undefined;
}): CollectorTarget | undefined {
  const { endpoint, tracesEndpoint } = settings;
  const url = tracesEndpoint ?? (endpoint === undefined ? undefined : withTracesPath(endpoint));
  if (url === undefined) return undefined;
  return { url, headers: parseHeaders(settings.headers ?? '') ?? {} };
}

function withTracesPath(endpoint: string): string {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url.href;
}

/** `name=value,name=value`, values percent-encoded or not; `undefined` when it is something else. */
export function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    const value = decoded(pair.slice(at + 1).trim());
    const fine = at > 0 && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^[\x20-\x7e]+$/.test(value);
    if (!fine) return undefined;
    headers[name] = value;
  }
  return headers;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // The guides write tokens as they are; a percent sign of such a one is itself.
    return value;
  }
}
