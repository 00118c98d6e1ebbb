import { useQuery } from '@tanstack/react-query';
import type { Explanation, Job } from '../api/types.js';
import { plural } from '../display/format.js';
import { Remedy } from '../display/remedy.js';
import { When } from '../display/when.js';
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
      {data.estimated_start != null && <Estimate start={data.estimated_start} />}
      {first?.remedy != null && <Remedy remedy={first.remedy} />}
      {others.map((reason) => (
        <div key={reason.message} className="grid gap-1.5">
          <p className="text-muted">{reason.message}</p>
          {reason.remedy !== null && <Remedy remedy={reason.remedy} />}
        </div>
      ))}
    </section>
  );
}

/** An estimate says what it rests on. */
function Estimate({ start }: { start: NonNullable<Explanation['estimated_start']> }) {
  const { at, samples } = start;
  return (
    <p className="text-muted">
      Expected to start <When at={at} />
      {samples !== null && `, from how long the last ${plural(samples, 'attempt')} took`}.
    </p>
  );
}
