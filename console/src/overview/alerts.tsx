import type { Alert } from '../api/types.js';
import { formatWait } from '../display/format.js';
import { Remedy } from '../display/remedy.js';
import { useFreshness } from '../live/freshness.js';
import { useFragment } from '../navigation/url-state.js';

interface Props {
  alerts: readonly Alert[];
  /** When the numbers were read, by the server's clock. */
  at: string;
}

const looks: Record<Alert['severity'], string> = {
  critical: 'text-state-dead',
  warning: 'text-state-retrying',
  info: 'text-muted',
};

/** What fires now, the longest first. Nothing at all while nothing does. */
export function Alerts({ alerts, at }: Props) {
  const fragment = useFragment();
  if (alerts.length === 0) return null;
  return (
    <section aria-label="Alerts" className="rounded-xl border border-line bg-panel p-4">
      <h2 className="mb-2 font-semibold">{alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`}</h2>
      <ul className="divide-y divide-line">
        {alerts.map((alert) => {
          // Notifications link to it.
          const anchor = `alert-${alert.id}`;
          const meant = anchor === fragment;
          return (
            <li
              key={alert.id}
              id={anchor}
              ref={meant ? arrive : undefined}
              aria-current={meant ? 'location' : undefined}
              className="grid items-center gap-x-6 gap-y-2.5 py-3 first:pt-0 last:pb-0 aria-[current]:border-l-4 aria-[current]:border-l-state-dead aria-[current]:pl-3 lg:grid-cols-2"
            >
              <AlertText alert={alert} at={at} />
              <Remedy remedy={alert.remedy} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The browser looked for it before the first answer was there. */
function arrive(item: HTMLLIElement | null): void {
  item?.scrollIntoView({ block: 'center' });
}

function AlertText({ alert, at }: { alert: Alert; at: string }) {
  const { sinceMs } = useFreshness();
  const heldMs = Math.max(0, Date.parse(at) - Date.parse(alert.since)) + sinceMs;
  const { acknowledged_by: keeper } = alert;
  return (
    <div className="min-w-0 tabular-nums">
      <p>
        <strong className={`font-semibold ${looks[alert.severity]}`}>{alert.rule}</strong>{' '}
        <span className="text-muted">
          {alert.severity}, for {formatWait(heldMs)}
          {keeper === null ? '' : `, looked after by ${keeper}`}
        </span>
      </p>
      <p className="break-words">{alert.summary}</p>
    </div>
  );
}
