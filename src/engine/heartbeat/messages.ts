import type { ConnectionOptions } from '../../database/connection.js';

/** One incarnation whose lease is to be renewed. */
export interface Hold {
  readonly workerId: string;
  /** Memory of the `RenewalTime` that the renewals are written to. */
  readonly renewalTime: SharedArrayBuffer;
}

/** What a heartbeat thread starts with. */
export interface ThreadData {
  readonly connection: ConnectionOptions;
  readonly leaseMs: number;
  readonly hold: Hold;
}

/** From the main thread. */
export type Command =
  | { readonly kind: 'hold'; readonly hold: Hold }
  | { readonly kind: 'release' }
  | { readonly kind: 'stop' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** From the heartbeat thread. A success is not among them: it is written to the `RenewalTime`. */
export type Report =
  | { readonly kind: 'lost'; readonly workerId: string }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string };
