import { createHmac } from 'node:crypto';

/**
 * What the webhook's receiver checks: HMAC-SHA256 with the shared secret over the time stamp (seconds of the epoch),
 * a dot, and the body as it was sent. The time stamp is part of it, so that an old message cannot be sent again as new.
 */
export function sign(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}
