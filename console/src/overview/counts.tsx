import type { JobStatus, Overview } from '../api/types.js';
import { formatCount } from '../display/format.js';
import { Icon } from '../display/icon.js';
import { jobStates, jobStatuses } from '../states/job-states.js';

interface Props {
  counts: Overview['counts'] | null;
  selected: JobStatus | null;
  onSelect: (status: JobStatus | null) => void;
}

/** One cell per state: its number now, and a press shows its jobs. */
export function Counts({ counts, selected, onSelect }: Props) {
  const shown = jobStatuses.filter(
    (status) => status !== 'blocked' || (counts?.blocked ?? 0) > 0 || selected === 'blocked',
  );
  return (
    <section aria-labelledby="counts">
      <h2 id="counts" className="sr-only">
        Jobs by state
      </h2>
      <ul className="counts panel">
        {shown.map((status) => (
          <li key={status}>
            <Cell
              status={status}
              count={counts?.[status]}
              pressed={selected === status}
              onPress={() => onSelect(selected === status ? null : status)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CellProps {
  status: JobStatus;
  count: number | undefined;
  pressed: boolean;
  onPress: () => void;
}

function Cell({ status, count, pressed, onPress }: CellProps) {
  const look = jobStates[status];
  const quiet = count === 0 || count === undefined;
  return (
    <button type="button" className="count" aria-pressed={pressed} title={look.meaning} onClick={onPress}>
      <span className={`flex items-center gap-1.5 text-xs font-medium ${look.className}`}>
        {/* The ring turns only while something runs. */}
        <Icon name={status === 'processing' && quiet ? 'circle' : look.icon} />
        {look.label}
      </span>
      <span
        className={`text-base font-semibold tracking-tight tabular-nums sm:text-2xl ${quiet ? 'text-muted' : ''}`}
      >
        {formatCount(count)}
      </span>
    </button>
  );
}
