import { useQuery } from '@tanstack/react-query';
import { useLayoutEffect, useRef } from 'react';
import type { Job, LogLine } from '../api/types.js';
import { formatClock, plural } from '../display/format.js';
import { logsQuery } from './queries.js';

const shownLines = 100;

const levels: Record<LogLine['level'], string> = {
  debug: 'text-muted',
  info: 'text-state-queued',
  warn: 'text-state-retrying',
  error: 'text-state-failed',
};

/** The last lines that the handler wrote, the newest at the bottom. */
export function JobLogs({ job }: { job: Job }) {
  const { data, error } = useQuery(logsQuery(job.id, job));
  const lines = data?.lines.slice(-shownLines) ?? [];
  return (
    <section aria-labelledby="job-logs" className="grid gap-2">
      <h3 id="job-logs" className="panel-title">
        Logs
      </h3>
      {error !== null && <p className="text-state-failed">The logs could not be read: {error.message}</p>}
      {data !== undefined && lines.length === 0 && (
        <p className="text-muted">The handler has written nothing yet.</p>
      )}
      {data !== undefined && data.lines.length > lines.length && (
        <p className="text-xs text-muted">
          The last {plural(shownLines, 'line')} of {data.complete ? '' : 'the first '}
          {plural(data.lines.length, 'line')}.
        </p>
      )}
      {lines.length > 0 && <Lines lines={lines} />}
    </section>
  );
}

function Lines({ lines }: { lines: readonly LogLine[] }) {
  const list = useRef<HTMLOListElement>(null);
  const following = useRef(true);
  const newest = lines.at(-1)?.seq;

  useLayoutEffect(() => {
    if (newest !== undefined && following.current) list.current?.scrollTo?.(0, list.current.scrollHeight);
  }, [newest]);

  /** Whoever scrolled up to read is not pulled down again. */
  function look() {
    const element = list.current;
    if (element === null) return;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
  }

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <ol ref={list} onScroll={look} className="log" tabIndex={0} aria-label="Log lines">
      {lines.map((line) => (
        <li key={line.seq} className="grid grid-cols-[auto_auto_minmax(0,1fr)] gap-x-2.5">
          <time dateTime={line.at} title={line.at} className="text-muted">
            {formatClock(Date.parse(line.at))}
          </time>
          <span className={`w-10 ${levels[line.level]}`}>{line.level}</span>
          <span className="break-words whitespace-pre-wrap">
            {line.message}
            {line.data !== null && <span className="text-muted"> {JSON.stringify(line.data)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
