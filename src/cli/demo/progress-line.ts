import { paint } from '../output.js';
import type { StreamedEvent } from './client.js';

const width = 30;

/** A bar that redraws itself on a terminal; one line per event in a pipe. */
export function progressLine({ terminal, say }: { terminal: boolean; say: (line: string) => void }) {
  let fraction = 0;
  let drawn = false;
  return {
    show({ type, data }: StreamedEvent): void {
      const detail = data.data ?? {};
      if (typeof detail.fraction === 'number') fraction = detail.fraction;
      if (type === 'succeeded') fraction = 1;
      const words = typeof detail.message === 'string' ? detail.message : type;
      if (!terminal) {
        say(`  ${Math.round(fraction * 100)} % ${words}`);
        return;
      }
      const filled = Math.round(fraction * width);
      const bar = `${paint.green('━'.repeat(filled))}${paint.dim('━'.repeat(width - filled))}`;
      process.stdout.write(`\r\u001b[2K  ${bar} ${Math.round(fraction * 100)} % ${words}`);
      drawn = true;
    },
    end(): void {
      if (drawn) process.stdout.write('\n');
    },
  };
}
