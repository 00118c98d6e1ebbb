import { readKey } from './api/key.js';
import { Icon } from './display/icon.js';
import { Logo } from './display/logo.js';
import { ConnectionChip } from './live/connection-chip.js';
import type { LiveOverview } from './live/use-overview.js';
import { ThemeSwitch } from './theme/theme-switch.js';

export function TopBar({ feed, onForgetKey }: { feed: LiveOverview; onForgetKey: () => void }) {
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-page/85 backdrop-blur-md">
      <div className="frame flex h-13 items-center gap-2">
        <a href={import.meta.env.BASE_URL} className="flex items-center gap-2.5 rounded-md font-semibold">
          <Logo />
          <span className="max-sm:sr-only">Signalbox</span>
        </a>
        <span className="ml-auto flex">
          <ConnectionChip feed={feed} />
        </span>
        <button
          type="button"
          className="button-quiet"
          aria-pressed={feed.paused}
          onClick={() => feed.setPaused(!feed.paused)}
        >
          <Icon name={feed.paused ? 'play' : 'pause'} />
          <span className="max-sm:sr-only">{feed.paused ? 'Resume' : 'Pause'}</span>
        </button>
        {readKey() !== null && (
          <button type="button" className="button-quiet" onClick={onForgetKey} title="Forget the API key">
            <Icon name="key" />
            <span className="sr-only">Forget the API key</span>
          </button>
        )}
        <ThemeSwitch />
      </div>
    </header>
  );
}
