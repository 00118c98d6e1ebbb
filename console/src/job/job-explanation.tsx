import { useQuery } from '@tanstack/react-query';
import type { Job } from '../api/types.js';
import { Remedy } from '../display/remedy.js';
import { explanationQuery } from './queries.js';

/** Why the job is where it is, in the server's words, and what to do. */
export function JobExplanation({ job }: { job: Job }) {
  const { data, error } = useQuery(explanationQuery(job.id, job));
  if (data === undefined) {
    return (
      <p className="min-h-6 text-muted">
        {error === null ? 'Asking why it is where it is' : `No explanation: ${error.message}`}
      </p>
    );
  }
  const [first, ...others] = data.reasons;
  return (
    <section aria-label="Explanation" className="grid gap-2">
      <p aria-live="polite" className="text-[15px] leading-6 break-words">
        {data.summary}
      </p>
      {first?.remedy != null && <Remedy remedy={first.remedy} />}
      {others.map((reason) => (
        <div key={reason.code} className="grid gap-1.5">
          <p className="text-muted">{reason.message}</p>
          {reason.remedy !== null && <Remedy remedy={reason.remedy} />}
        </div>
      ))}
    </section>
  );
}
