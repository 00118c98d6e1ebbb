import { Icon } from '../display/icon.js';
import type { StateLook } from './job-states.js';

/** Always icon and word: colour alone tells nothing to one reader in twelve. */
export function StateLabel({ look, tinted = false }: { look: StateLook; tinted?: boolean }) {
  const tint = tinted ? 'rounded-full bg-current/10' : '';
  return (
    <span
      className={`inline-flex align-top whitespace-nowrap ${look.className} ${tint}`}
      title={look.meaning}
    >
      <span className={`inline-flex items-center gap-1.5 font-medium ${tinted ? 'py-0.5 pr-2.5 pl-2' : ''}`}>
        <Icon name={look.icon} />
        {look.label}
      </span>
    </span>
  );
}
