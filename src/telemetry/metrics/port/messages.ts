import type { Format } from '../format.js';

/** What a metrics thread starts with. */
export interface ThreadData {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  /** Memory of the `RenewalTime` that says when the main loop last had a turn. */
  readonly beat: SharedArrayBuffer;
}

/** From the main thread. `writtenAt` is on the scale of `monotonicMs`. */
export type Command =
  | { readonly kind: 'text'; readonly format: Format; readonly text: string; readonly writtenAt: number }
  | { readonly kind: 'stop' };

/** From the metrics thread. */
export type Report =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'refused'; readonly message: string }
  /** Somebody scrapes: the newest text is wanted. */
  | { readonly kind: 'wanted'; readonly format: Format };
