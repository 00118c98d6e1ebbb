import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newId } from './ids.js';
import { jobSpanId, jobSpanKinds, traceIdOf } from './job-trace.js';

it('gives each span of a job an id of its own, the same each time', () => {
  const id = newId();
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...jobSpanKinds), fc.integer({ min: 0, max: 100_000 })), {
        selector: (pair) => pair.join(' '),
        maxLength: 200,
      }),
      (spans) => {
        const ids = spans.map(([kind, number]) => jobSpanId(id, kind, number));
        expect(new Set(ids).size).toBe(ids.length);
        for (const one of ids) expect(one).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
        expect(spans.map(([kind, number]) => jobSpanId(id, kind, number))).toEqual(ids);
      },
    ),
  );
});

it('belongs to the trace of its enqueuer, or to its own', () => {
  const id = '0199a1b2-0000-7000-8000-0123456789ab';
  const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(traceIdOf({ id, traceParent: given })).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  expect(traceIdOf({ id, traceParent: null })).toBe('0199a1b20000700080000123456789ab');
});
