/** How the values are written. */
export const formats = ['prometheus', 'openmetrics'] as const;
export type Format = (typeof formats)[number];

export const contentTypes: Readonly<Record<Format, string>> = Object.freeze({
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
});

/** OpenMetrics for whoever prefers it by its `Accept`, as Prometheus does; the Prometheus text for everybody else. */
export function formatFor(accept: string | undefined): Format {
  const wishes = (accept ?? '').split(',').map(wishOf);
  const best = (type: string): number =>
    Math.max(0, ...wishes.filter((wish) => wish.type === type).map(({ weight }) => weight));
  const open = best('application/openmetrics-text');
  return open > 0 && open >= best('text/plain') ? 'openmetrics' : 'prometheus';
}

function wishOf(part: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = given === undefined ? 1 : Number(given.slice(2));
  return { type, weight: Number.isFinite(weight) ? weight : 0 };
}

/** Numbers as both formats want them. */
export function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

/**
 * A bucket's bound. With its `.0` in both formats: OpenMetrics and Prometheus 3 write it so, and a series must not
 * change its labels with the format.
 */
export function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : numberText(bound);
}

export function headText(
  format: Format,
  metric: {
    readonly name: string;
    readonly type: string;
    readonly help: string;
    readonly unit: string | null;
  },
): string {
  const { type, unit } = metric;
  const name =
    format === 'openmetrics' && type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name;
  const help = metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const quoted = format === 'openmetrics' ? help.replaceAll('"', '\\"') : help;
  const unitLine = format === 'openmetrics' && unit !== null ? `# UNIT ${name} ${unit}\n` : '';
  return `# HELP ${name} ${quoted}\n# TYPE ${name} ${type}\n${unitLine}`;
}

export const endText: Readonly<Record<Format, string>> = Object.freeze({
  prometheus: '',
  openmetrics: '# EOF\n',
});
