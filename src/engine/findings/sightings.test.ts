import { expect, it } from 'vitest';
import { Sightings } from './sightings.js';

it('tells what was there at every look for so long', () => {
  let now = 0;
  const sightings = new Sightings(() => now);
  const look = (...seen: string[]) => [...sightings.lasting(seen, 5_000)];
  expect(look('a', 'b')).toEqual([]);
  now = 3_000;
  expect(look('a')).toEqual([]);
  now = 5_000;
  expect(look('a', 'b')).toEqual(['a']);
  now = 7_000;
  // `b` was away for one look.
  expect(look('a', 'b')).toEqual(['a']);
  now = 10_000;
  expect(look('a', 'b')).toEqual(['a', 'b']);
  // Nobody looked for too long to say anything of that time.
  now = 80_000;
  expect(look('a', 'b')).toEqual([]);
  now = 85_000;
  expect(look('b')).toEqual(['b']);
});

it('needs no time for what lasts no time', () => {
  const sightings = new Sightings(() => 0);
  expect([...sightings.lasting(['a'], 0)]).toEqual(['a']);
});
