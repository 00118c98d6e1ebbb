import type { Worker } from '../api/types.js';
import { formatAge, plural } from '../display/format.js';
import { useFreshness } from '../live/freshness.js';
import { StateLabel } from '../states/state-label.js';
import { workerState, workerStates } from '../states/worker-states.js';
import { NoWorkers } from './empty.js';

/** Who does the work. `null` before the first overview. */
export function Workers({ workers }: { workers: readonly Worker[] | null }) {
  return (
    <section aria-labelledby="workers" className="panel min-w-0 self-start">
      <div className="panel-head">
        <h2 id="workers" className="panel-title">
          Workers
        </h2>
        {workers !== null && workers.length > 0 && (
          <span className="text-xs text-muted tabular-nums">
            {workers.filter((worker) => worker.live).length} of {workers.length} live
          </span>
        )}
      </div>
      {workers === null && <p className="border-t border-line px-4 py-6 text-center text-muted">–</p>}
      {workers?.length === 0 && <NoWorkers />}
      {workers !== null && workers.length > 0 && (
        <ul>
          {workers.map((worker) => (
            <WorkerRow key={worker.id} worker={worker} />
          ))}
        </ul>
      )}
    </section>
  );
}

function WorkerRow({ worker }: { worker: Worker }) {
  const { sinceMs } = useFreshness();
  const state = workerState(worker);
  const queues = worker.queues === null ? 'all queues' : worker.queues.join(', ');
  return (
    <li className="grid grid-cols-[minmax(0,1fr)] gap-1 border-t border-line px-4 py-3">
      <div className="flex items-center justify-between gap-3">
        <span
          className="flex min-w-0 font-medium"
          title={`${worker.hostname}, process ${worker.pid}, ${worker.id}`}
        >
          <span className="truncate">{worker.hostname}</span>
          <span className="font-normal text-muted tabular-nums">:{worker.pid}</span>
        </span>
        <StateLabel look={workerStates[state]} />
      </div>
      <div className="flex items-center gap-2 text-xs text-muted tabular-nums">
        <Slots running={worker.running} concurrency={worker.concurrency} />
        <span className="ml-auto whitespace-nowrap" title={worker.heartbeat_at}>
          heartbeat {formatAge(worker.heartbeat_age_ms + sinceMs)} ago
        </span>
      </div>
      <p className="truncate text-xs text-muted" title={`${queues} · ${worker.tasks.join(', ')}`}>
        {queues} · {plural(worker.tasks.length, 'task')}
      </p>
    </li>
  );
}

function Slots({ running, concurrency }: { running: number; concurrency: number }) {
  const share = concurrency > 0 ? Math.min(1, running / concurrency) : 0;
  return (
    <>
      <span aria-hidden="true" className="h-1.5 w-16 overflow-hidden rounded-full bg-track">
        <span
          className="block h-full rounded-full bg-state-processing motion-safe:transition-[width]"
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span>
        {running}/{concurrency} <span className="sr-only">slots </span>busy
      </span>
    </>
  );
}
