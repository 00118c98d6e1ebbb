import type { Queryable } from '../../../database/queryable.js';
import type { KeptSpan, SpanKindName } from './kept-span.js';

/** Twice is once: a batch whose answer was lost may come again. */
export async function saveSpans(db: Queryable, spans: readonly KeptSpan[]): Promise<void> {
  await db.query(
    `insert into signalbox.span
       (trace_id, span_id, parent_id, job_id, name, kind, started_at, duration_us, error, attributes)
     select "traceId", "spanId", "parentId", "jobId", name, kind, "startedAt", "durationUs", error, attributes
       from jsonb_to_recordset($1::jsonb) as span ("traceId" text, "spanId" text, "parentId" text, "jobId" uuid,
         name text, kind text, "startedAt" timestamptz, "durationUs" bigint, error text, attributes jsonb)
     on conflict do nothing`,
    [JSON.stringify(spans, storable)],
  );
}

interface SpanRow {
  readonly span_id: string;
  readonly parent_id: string | null;
  readonly job_id: string | null;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly started_at: Date;
  readonly duration_us: string;
  readonly error: string | null;
  readonly attributes: Record<string, unknown>;
}

/** The spans that belong to a job, and those of the request that sent it, the oldest first. */
export async function readSpans(
  db: Queryable,
  trace: { readonly traceId: string; readonly jobId: string; readonly limit: number },
): Promise<KeptSpan[]> {
  const { rows } = await db.query<SpanRow>(
    `select span_id, parent_id, job_id, name, kind, started_at, duration_us, error, attributes
       from signalbox.span
      where trace_id = $1 and (job_id = $2 or job_id is null)
      order by started_at, span_id
      limit $3`,
    [trace.traceId, trace.jobId, trace.limit],
  );
  return rows.map((row) => ({
    traceId: trace.traceId,
    spanId: row.span_id,
    parentId: row.parent_id,
    jobId: row.job_id,
    name: row.name,
    kind: row.kind,
    startedAt: row.started_at,
    durationUs: Number(row.duration_us),
    error: row.error,
    attributes: row.attributes,
  }));
}

/** @returns how many went */
export async function pruneSpans(db: Queryable, keepMs: number, limit: number): Promise<number> {
  const { rows } = await db.query<{ removed: number }>(
    `with old as (
       select trace_id, span_id from signalbox.span
        where started_at < now() - make_interval(secs => $1::double precision / 1000)
        order by started_at limit $2
     ), gone as (
       delete from signalbox.span using old
        where span.trace_id = old.trace_id and span.span_id = old.span_id
        returning 1
     )
     select count(*)::int as removed from gone`,
    [keepMs, limit],
  );
  return rows[0]?.removed ?? 0;
}

/** The database's JSON has no NUL and no half of a character. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value;
}
