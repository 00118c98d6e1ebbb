import { isLoopbackHost } from '../foundation/loopback.js';
import { identityErrors } from './errors.js';

export interface Exposure {
  /** The address the server is about to listen on. */
  readonly host: string;
  readonly apiKey: string | undefined;
  readonly production: boolean;
}

/**
 * Called before anything listens. Without a key only a developer's own machine may be served; in
 * production not even loopback is that, because behind a reverse proxy every request comes from it.
 * @throws credentials_required
 */
export function assertExposureAllowed({ host, apiKey, production }: Exposure): void {
  if (apiKey !== undefined) return;
  if (production) {
    throw identityErrors.credentials_required(
      'In production every caller needs a key. Set SIGNALBOX_API_KEY to at least 16 random characters.',
    );
  }
  if (!isLoopbackHost(host)) {
    throw identityErrors.credentials_required(
      `HOST ${host} can be reached from other machines. Set SIGNALBOX_API_KEY to at least 16 random characters, or HOST to 127.0.0.1.`,
    );
  }
}
