import { describe, expect, it } from 'vitest';
import { traceFieldsOf } from './trace-parent.js';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';

describe('a traceparent', () => {
  it.each([`00-${trace}-${span}-01`, `00-${trace}-${span}-00`, `01-${trace}-${span}-01-more`])(
    'gives trace and span: %s',
    (text) => {
      expect(traceFieldsOf(text)).toEqual({ trace_id: trace, span_id: span });
    },
  );

  it.each([
    undefined,
    null,
    '',
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}`,
    `00-${trace}-${span}-0x`,
    ` 00-${trace}-${span}-01`,
    `01-${trace}-${span}-01-${'x'.repeat(1_000)}`,
    [`00-${trace}-${span}-01`],
  ])('that is none gives nothing: %j', (text) => {
    expect(traceFieldsOf(text)).toBeUndefined();
  });
});
