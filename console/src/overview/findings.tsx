import type { Finding } from '../api/types.js';
import { formatWait } from '../display/format.js';
import { Remedy } from '../display/remedy.js';
import { useFreshness } from '../live/freshness.js';
import { findingSentence } from './headline.js';

interface Props {
  findings: readonly Finding[];
  /** What the headline says already. */
  told: string;
}

/** Accepted work that nobody does, each with what mends it. */
export function Findings({ findings, told }: Props) {
  return (
    <ul aria-label="Work that nobody does" className="divide-y divide-state-dead/20">
      {findings.map((finding) => (
        <li
          key={`${finding.code} ${finding.queue} ${finding.schedule}`}
          className="grid items-center gap-x-6 gap-y-2.5 py-3 first:pt-0 last:pb-0 lg:grid-cols-2"
        >
          <FindingText finding={finding} told={told} />
          <Remedy remedy={finding.remedy} />
        </li>
      ))}
    </ul>
  );
}

/** Of these the server's own words say more than the sentence: which error it was. */
const needsDetail: ReadonlySet<Finding['code']> = new Set(['schedule_failing']);

function FindingText({ finding, told }: { finding: Finding; told: string }) {
  const { sinceMs } = useFreshness();
  const sentence = findingSentence(finding);
  return (
    <div className="min-w-0 tabular-nums">
      {sentence !== told && <p className="font-medium">{sentence}.</p>}
      {needsDetail.has(finding.code) && <p className="break-words text-muted">{finding.message}</p>}
      {finding.oldest_waiting_ms !== null && (
        <p>
          {finding.waiting > 0 ? 'The oldest has waited for' : 'It has lasted for'}{' '}
          <strong className="font-semibold">{formatWait(finding.oldest_waiting_ms + sinceMs)}</strong>.
        </p>
      )}
      {finding.tasks.length > 0 && (
        <p className="font-mono text-xs break-words text-muted">{finding.tasks.join(', ')}</p>
      )}
    </div>
  );
}
