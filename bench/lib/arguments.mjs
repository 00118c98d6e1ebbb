import { parseArgs } from 'node:util';

export const usage = `node bench/run.mjs [options]

  --quick          drain of 50,000, bulk and single enqueue, latency; three short rounds
  --only MEASURE   this measure alone; may be given several times
  --rounds N       rounds per measure (3)
  --json FILE      one row per measure, as JSON
  --write          write docs/performance.md; a full run does so without being told
  --no-write       do not write docs/performance.md
  --scale F        sizes and durations times F, to try the bench itself; such figures are never accepted
  --list           names of the measures`;

/** @throws Error naming what is wrong with them */
export function readArguments(args, known) {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '3' },
      json: { type: 'string' },
      write: { type: 'boolean' },
      scale: { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 99) throw new Error('--rounds must be 1 to 99');
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) throw new Error('--scale must be above 0 and at most 1');
  const unknown = values.only.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no measure ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  const full = !values.quick && values.only.length === 0 && scale === 1;
  return { ...values, rounds, scale, full, write: values.write ?? full };
}
