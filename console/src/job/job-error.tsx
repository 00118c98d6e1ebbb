import type { Job } from '../api/types.js';
import { CopyButton } from '../display/copy-button.js';

export function JobError({ error }: { error: NonNullable<Job['error']> }) {
  return (
    <section
      aria-labelledby="job-error"
      className="overflow-hidden rounded-lg border border-state-failed/30 bg-state-failed/6"
    >
      <div className="flex items-center justify-between gap-3 pt-1.5 pr-1.5 pl-3">
        <h3 id="job-error" className="min-w-0 truncate font-medium text-state-failed">
          {error.type}
        </h3>
        <CopyButton text={`${error.type}: ${error.message}`} what="the error" />
      </div>
      <pre className="max-h-64 overflow-auto px-3 pt-0.5 pb-2 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
        {error.message}
      </pre>
      <p className="border-t border-state-failed/20 px-3 py-1.5 text-xs text-muted">
        Attempt {error.attempt} · {error.retryable ? 'a retry may mend it' : 'a retry cannot mend it'}
      </p>
    </section>
  );
}
