import { useEffect } from 'react';
import { Icon, type IconName } from '../display/icon.js';
import type { FeedSnapshot } from '../live/overview-feed.js';
import { Findings } from './findings.js';
import { headline, type Tone } from './headline.js';

const looks: Record<Tone, { icon: IconName; className: string }> = {
  good: { icon: 'check', className: 'text-state-live' },
  calm: { icon: 'circle', className: 'text-muted' },
  bad: { icon: 'alert', className: 'text-state-dead' },
  unknown: { icon: 'clock', className: 'text-muted' },
};

/** The state of everything, and right below it what to do about work that nobody does. */
export function HeadlineView({ feed }: { feed: FeedSnapshot }) {
  const { tone, sentence, detail } = headline(feed);
  const findings = feed.overview?.findings ?? [];
  const look = looks[tone];

  useEffect(() => {
    document.title = `${tone === 'bad' ? '⚠ ' : ''}${sentence} · Signalbox`;
  }, [tone, sentence]);

  return (
    <section
      aria-label="State of work"
      className={findings.length > 0 ? 'rounded-xl border border-state-dead/35 bg-alarm p-4' : ''}
    >
      <div className="flex items-start gap-3">
        <span className={`mt-px flex rounded-full bg-current/10 p-1.5 ${look.className}`}>
          <Icon name={look.icon} size={18} />
        </span>
        <div className="min-w-0">
          <h1
            aria-live="polite"
            className="text-xl leading-7 sm:leading-8 font-semibold tracking-tight text-balance"
          >
            {sentence}
          </h1>
          <p className="text-muted tabular-nums">{detail}</p>
        </div>
      </div>
      {findings.length > 0 && (
        <div className="mt-3 border-t border-state-dead/20 pt-3 sm:ml-[42px]">
          <Findings findings={findings} told={sentence} />
        </div>
      )}
    </section>
  );
}
