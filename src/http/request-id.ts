import type { IncomingMessage } from 'node:http';
import { newId } from '../foundation/ids.js';

const safe = /^[A-Za-z0-9._-]{1,128}$/;

/** The caller's `X-Request-Id` when it is fit for headers and logs, otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && safe.test(given) ? given : newId();
}
