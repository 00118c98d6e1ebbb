import type { JobSummary } from '../api/types.js';

type Progress = NonNullable<JobSummary['progress']>;

export function ProgressBar({ progress }: { progress: Progress }) {
  const percent = Math.round(Math.min(1, Math.max(0, progress.fraction)) * 100);
  return (
    <span className="flex h-5 min-w-0 items-center gap-2 text-xs text-muted">
      <span
        role="progressbar"
        aria-label="Progress"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-1.5 w-full max-w-28 min-w-12 shrink-0 overflow-hidden rounded-full bg-track"
      >
        <span
          className="block h-full rounded-full bg-state-processing motion-safe:transition-[width]"
          style={{ width: `${percent}%` }}
        />
      </span>
      <span className="whitespace-nowrap tabular-nums">{percent} %</span>
      {progress.message !== null && <span className="truncate">{progress.message}</span>}
    </span>
  );
}
