import type { ValuesOf } from '../../../config/section.js';
import type { telemetrySection } from '../../settings.js';

/** Where lines are pushed, as whom, and under which labels. */
export interface LokiTarget {
  /** Of the push API. Without credentials. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Besides `level`. Each different value is a stream of its own: never an id. */
  readonly labels: Readonly<Record<string, string>>;
}

const pushPath = '/loki/api/v1/push';

type LokiSettings = Pick<
  ValuesOf<typeof telemetrySection.settings>,
  'lokiUrl' | 'lokiUser' | 'lokiPassword' | 'lokiToken' | 'lokiTenant'
>;

/** Undefined when no URL is set. */
export function lokiTargetOf(settings: LokiSettings, environment: string): LokiTarget | undefined {
  if (settings.lokiUrl === undefined) return undefined;
  const url = new URL(settings.lokiUrl);
  const user = settings.lokiUser ?? decoded(url.username);
  const password = settings.lokiPassword ?? decoded(url.password);
  url.username = '';
  url.password = '';
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(pushPath) ? path : path + pushPath;
  const headers: Record<string, string> = {};
  if (settings.lokiToken !== undefined) headers.authorization = `Bearer ${settings.lokiToken}`;
  else if (user !== '') {
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  if (settings.lokiTenant !== undefined) headers['x-scope-orgid'] = settings.lokiTenant;
  return Object.freeze({
    url: url.href,
    headers: Object.freeze(headers),
    labels: Object.freeze({ service: 'signalbox', environment }),
  });
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString(),
  );
}
