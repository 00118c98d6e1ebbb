import { type Context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { type StatementMessage, statementChannel } from '../../database/statement-channel.js';
import { messageOf } from '../../foundation/errors.js';

/** Makes a span of each statement that a recorded span has asked for. @returns what ends it */
export function traceStatements(tracer: Tracer, active: () => Context): () => void {
  const owner = Symbol('statement tracer');
  interface Listening {
    readonly owner: symbol;
    readonly span: Span;
  }
  const spanOf = ({ listener }: StatementMessage): Span | undefined => {
    const listening = listener as Listening | undefined;
    return listening?.owner === owner ? listening.span : undefined;
  };
  const subscriber = {
    start: (message: StatementMessage) => {
      const context = active();
      if (trace.getSpan(context)?.isRecording() !== true) return;
      const operation = (/^\s*(\w+)/.exec(message.text)?.[1] ?? 'statement').toUpperCase();
      const attributes = {
        'db.system.name': 'postgresql',
        'db.operation.name': operation,
        'db.query.text': message.text.replace(/\s+/g, ' ').trim().slice(0, 1_000),
      };
      const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes }, context);
      message.listener = { owner, span } satisfies Listening;
    },
    end: () => undefined,
    asyncStart: (message: StatementMessage) => {
      spanOf(message)?.end();
    },
    asyncEnd: () => undefined,
    error: (message: StatementMessage) => {
      const { error } = message;
      spanOf(message)?.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error).slice(0, 500) });
    },
  };
  statementChannel.subscribe(subscriber);
  return () => statementChannel.unsubscribe(subscriber);
}
