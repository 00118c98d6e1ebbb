import type { ChannelKind } from './channel.js';
import type { Message } from './message.js';

/** What became of one attempt. Texts hold no secret of the channel and at most 500 characters. */
export type Receipt =
  | { readonly outcome: 'delivered'; readonly reply: string }
  /** The same message may be taken later. */
  | {
      readonly outcome: 'retry';
      readonly error: string;
      readonly reply: string;
      /** When the receiver said to come back, milliseconds. */
      readonly retryAfterMs: number | undefined;
      /** It may have arrived all the same: the answer was lost or late. */
      readonly uncertain: boolean;
      /** The receiver answered, so the message itself may be what it cannot take. */
      readonly answered: boolean;
    }
  /** The same message is never taken. */
  | { readonly outcome: 'rejected'; readonly error: string; readonly reply: string };

/** The outside world behind one interface. An adapter holds no state between two messages. */
export interface Notifier {
  readonly kind: ChannelKind;
  /** Most notices of one message; 1 for receivers that know single events only. */
  readonly batch: number;
  /** Shortest time between two messages, milliseconds. */
  readonly intervalMs: number;
  /**
   * Sends one message. Whatever the receiver does is a receipt; it resolves soon after `signal` fires, and
   * leaves no connection behind then.
   */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<Receipt>;
}
