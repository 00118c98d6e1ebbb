import { describe, expect, it } from 'vitest';
import { counter, gauge, histogram, names, words } from './declaration.js';
import { formatFor } from './format.js';
import { MetricRegistry } from './registry.js';
import { familyTexts } from './render.js';
import { joined } from './slices.js';
import { parseExposition, sampleValue } from './testing/exposition.js';

const common = { help: 'For \\ tests, of "two"\nlines.', writer: 'test', scope: 'process' } as const;
const made = counter({
  ...common,
  name: 'things_made_total',
  unit: null,
  labels: { maker: names('makers', 2), result: words('good', 'bad') },
});
const size = gauge({
  ...common,
  name: 'thing_size_bytes',
  unit: 'bytes',
  labels: { thing: names('things', 3) },
});
const took = histogram({
  ...common,
  name: 'took_seconds',
  unit: 'seconds',
  labels: {},
  buckets: [0.5, 1, 10],
});

const all = [made, size, took];
const written = async (registry: MetricRegistry, format: 'prometheus' | 'openmetrics') => {
  const text = await joined(familyTexts(registry.families(), format));
  return parseExposition(format === 'openmetrics' ? `${text}# EOF\n` : text, format);
};

describe('a registry', () => {
  it('is written in both formats, with types, units, buckets and exemplars', async () => {
    const registry = new MetricRegistry(all);
    registry.counter(made).with({ maker: 'a "quoted" \\ one\n', result: 'good' }).inc(2);
    registry.gauge(size).set({ thing: 'x' }, Number.POSITIVE_INFINITY);
    const one = registry.histogram(took).with({});
    one.observe(0.5);
    one.observe(0.75, 'a'.repeat(32));
    one.observe(99, 'b'.repeat(32));
    const text = await written(registry, 'prometheus');
    expect([...text.values()].map(({ name, type }) => `${name} ${type}`)).toEqual([
      'things_made_total counter',
      'thing_size_bytes gauge',
      'took_seconds histogram',
    ]);
    const labels = { maker: 'a "quoted" \\ one\n', result: 'good' };
    expect(sampleValue(text, 'things_made_total', labels)).toBe(2);
    expect(sampleValue(text, 'thing_size_bytes', { thing: 'x' })).toBe(Number.POSITIVE_INFINITY);
    expect(sampleValue(text, 'took_seconds_bucket', { le: '0.5' })).toBe(1);
    expect(sampleValue(text, 'took_seconds_bucket', { le: '1.0' })).toBe(2);
    expect(sampleValue(text, 'took_seconds_sum')).toBe(100.25);
    const open = await written(registry, 'openmetrics');
    expect(open.has('things_made')).toBe(true);
    expect(sampleValue(open, 'things_made_total', labels)).toBe(2);
    const exemplars = open.get('took_seconds')?.samples.flatMap(({ exemplar }) => exemplar ?? []);
    expect(exemplars).toEqual([
      { labels: { trace_id: 'a'.repeat(32) }, value: 0.75 },
      { labels: { trace_id: 'b'.repeat(32) }, value: 99 },
    ]);
  });

  it('takes declared labels only, as the compiler sees it', () => {
    const registry = new MetricRegistry(all);
    const family = registry.counter(made);
    // @ts-expect-error a label that is not declared
    family.with({ maker: 'a', result: 'good', job: 'x' });
    // @ts-expect-error a word that is not declared
    family.with({ maker: 'a', result: 'ugly' });
    // @ts-expect-error a label is missing
    family.with({ maker: 'a' });
    // @ts-expect-error a gauge does not count
    registry.counter(size);
  });

  it('writes only what it was made with, and lives beside others', async () => {
    const one = new MetricRegistry(all);
    const other = new MetricRegistry(all);
    one.counter(made).with({ maker: 'a', result: 'good' }).inc();
    expect((await written(other, 'prometheus')).get('things_made_total')?.samples).toEqual([]);
    expect(() => new MetricRegistry([made]).gauge(size)).toThrow('not declared here');
    expect(() => new MetricRegistry([made, { ...made }])).toThrow('declared twice');
  });

  it('keeps to the bound of a label, whatever comes', async () => {
    const registry = new MetricRegistry(all);
    for (let n = 0; n < 100; n += 1)
      registry
        .counter(made)
        .with({ maker: `m${n}`, result: 'good' })
        .inc();
    const text = await written(registry, 'prometheus');
    expect(text.get('things_made_total')?.samples).toHaveLength(3);
    expect(sampleValue(text, 'things_made_total', { maker: 'other' })).toBe(98);
  });

  it('forgets what is gone, which makes room', async () => {
    const registry = new MetricRegistry(all);
    const sizes = registry.gauge(size);
    const entry = (thing: string, value: number) => [{ thing }, value] as const;
    sizes.replace([entry('a', 1), entry('b', 2), entry('c', 3)]);
    sizes.replace([entry('c', 4), entry('d', 5), entry('e', 6)]);
    // Those that went made room too late for the last ones of the same turn.
    sizes.replace([entry('c', 4), entry('d', 5), entry('e', 6)]);
    const text = await written(registry, 'prometheus');
    expect(text.get('thing_size_bytes')?.samples.map(({ labels, value }) => [labels.thing, value])).toEqual(
      expect.arrayContaining([
        ['c', 4],
        ['d', 5],
        ['e', 6],
      ]),
    );
    expect(text.get('thing_size_bytes')?.samples).toHaveLength(3);
  });

  it('lets others have their turn while it is written', async () => {
    let turns = 0;
    let next = setImmediate(function turn() {
      turns += 1;
      next = setImmediate(turn);
    });
    const slow = function* (): Generator<string> {
      for (let n = 0; n < 60; n += 1) {
        for (const until = performance.now() + 1; performance.now() < until; );
        yield 'x';
      }
    };
    expect(await joined(slow())).toBe('x'.repeat(60));
    clearImmediate(next);
    expect(turns).toBeGreaterThanOrEqual(6);
  });

  it('can be written by a million hands while it is read', async () => {
    const registry = new MetricRegistry([size]);
    const texts = familyTexts(registry.families(), 'prometheus');
    registry.gauge(size).set({ thing: 'a' }, 1);
    texts.next();
    texts.next();
    registry.gauge(size).replace([[{ thing: 'b' }, 2]]);
    expect([...texts]).toEqual(['thing_size_bytes{thing="b"} 2\n']);
  });
});

describe('a declaration', () => {
  it.each([
    [() => counter({ ...common, name: 'things', unit: null, labels: {} }), '_total'],
    [() => gauge({ ...common, name: 'wait', unit: 'seconds', labels: {} }), 'unit'],
    [() => gauge({ ...common, name: 'things_total', unit: null, labels: {} }), 'no metric name'],
    [() => gauge({ ...common, name: 'Things', unit: null, labels: {} }), 'no metric name'],
    [() => gauge({ ...common, name: 'things', unit: null, labels: { le: words('1') } }), 'no label name'],
    [
      () => histogram({ ...common, name: 'took_seconds', unit: 'seconds', labels: {}, buckets: [1, 1] }),
      'ascend',
    ],
  ])('that breaks the rules is refused (%#)', (declare, message) => {
    expect(declare).toThrow(message);
  });
});

describe('the format', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  it.each([
    [prometheus, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['text/plain, application/openmetrics-text;q=0.5', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=nonsense', 'prometheus'],
    ['*/*', 'prometheus'],
    ['', 'prometheus'],
    [undefined, 'prometheus'],
  ])('for Accept: %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
