import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

/** What is said of a statement. Its values are not: they may be secrets. */
export interface StatementMessage {
  /** A static text with `$1` for its values. */
  readonly text: string;
  /** Of whoever listens: from the start of the statement to its end. */
  listener?: unknown;
  readonly error?: unknown;
}

/** Every statement of every pool of this process. While nobody subscribes it costs one look. */
export const statementChannel: TracingChannel<string, StatementMessage> =
  tracingChannel('signalbox:statement');
