/** Where something stands in a trace: the fields of log lines. */
export interface TraceFields {
  /** 32 hexadecimal digits. */
  readonly trace_id: string;
  /** 16 hexadecimal digits: the span that asked for it. */
  readonly span_id: string;
}

const pattern = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/;
const maxLength = 512;

/** Of a W3C `traceparent`, of later versions too; nothing when there is none that is valid. */
export function traceFieldsOf(
  traceParent: string | readonly string[] | null | undefined,
): TraceFields | undefined {
  if (typeof traceParent !== 'string' || traceParent.length > maxLength) return undefined;
  const [, version, traceId, spanId] = pattern.exec(traceParent) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  // The first version has nothing behind its flags.
  if (version === '00' && traceParent.length !== 55) return undefined;
  return { trace_id: traceId, span_id: spanId };
}
