import { messageOf } from '../../foundation/errors.js';
import { CheckFailure, type HealthCheck } from '../check.js';

type RedisModule = typeof import('@redis/client');

export interface RedisCheckOptions {
  readonly url: string;
  /** Longest for the connection to be made; less than the check's own time. @default 1500 */
  readonly connectTimeoutMs?: number;
  /** @default the optional package `@redis/client` */
  readonly load?: () => Promise<RedisModule>;
}

/**
 * Whether a Redis answers PING, on a connection of its own each time: nothing of it is left behind, so a Redis that is
 * away costs nothing between two checks. Not essential: Signalbox keeps nothing there.
 */
export function redisCheck(options: RedisCheckOptions): HealthCheck {
  return { name: 'redis', essential: false, run: (signal) => ping(options, signal) };
}

async function ping(options: RedisCheckOptions, signal: AbortSignal): Promise<void> {
  const { url, connectTimeoutMs = 1_500, load = () => import('@redis/client') } = options;
  const { createClient } = await loaded(load);
  signal.throwIfAborted();
  const client = createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // Never tried again by itself: its timer would outlive the check.
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false },
  });
  const onAbort = () => client.destroy();
  // What it tells here, `connect` and `ping` reject with too; without a listener it would end the process.
  client.on('error', () => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    signal.throwIfAborted();
    throw new CheckFailure('unhealthy', 'Redis does not answer a PING; the log says why.', { cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.destroy();
  }
}

/** Without the package nothing is known of Redis, which is not the same as knowing that it is away. */
async function loaded(load: () => Promise<RedisModule>): Promise<RedisModule> {
  try {
    return await load();
  } catch (error) {
    throw new CheckFailure(
      'degraded',
      'REDIS_URL is set, but the optional package that asks Redis cannot be loaded: npm install @redis/client',
      { cause: new Error(messageOf(error)) },
    );
  }
}
