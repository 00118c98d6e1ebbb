import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from '../foundation/loopback.js';
import { httpErrors } from './errors.js';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * While no credentials are asked for, a web page could reach the server through a name of its own that
 * resolves to 127.0.0.1 (DNS rebinding), and read the answers: only loopback names are served.
 * @throws host_not_allowed
 */
export function assertLocalHost(headers: IncomingHttpHeaders): void {
  const host = headers.host ?? '';
  const name = /^(\[[0-9a-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.exec(host)?.[1] ?? '';
  if (isLoopbackHost(name)) return;
  throw httpErrors.host_not_allowed(
    'This server has no SIGNALBOX_API_KEY and therefore answers only to localhost, 127.0.0.1 and [::1].',
  );
}

/**
 * The same browser would also send forms here from any page, without being able to read the answer but
 * with all the effect: what a browser marks as coming from another site changes nothing.
 * @throws cross_site
 */
export function assertSameSite(method: string, headers: IncomingHttpHeaders): void {
  if (safeMethods.includes(method)) return;
  const site = headers['sec-fetch-site'];
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (foreignSite || !isOwnOrigin(headers.origin, headers.host)) {
    throw httpErrors.cross_site(
      'A request that changes something must come from this site or from no web page.',
    );
  }
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase().replace(/:80$/, '');
}
