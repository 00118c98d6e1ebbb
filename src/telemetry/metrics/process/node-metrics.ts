import { collectDefaultMetrics, type MetricObject, Registry } from 'prom-client';
import { boundText, type Format, headText, numberText } from '../format.js';

interface Sample {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
  readonly metricName?: string;
}

/** What prom-client knows of a process and of Node, in our two formats: a registry of its own speaks only one. */
export class NodeMetrics {
  readonly #registry = new Registry();
  #begun = false;

  /** Begins to watch the garbage collector; asked again, it does nothing. It cannot be stopped, but holds nothing. */
  start(): void {
    if (this.#begun) return;
    this.#begun = true;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Name, type and help of each, as this platform has them. */
  list(): readonly MetricObject[] {
    return this.#registry.getMetricsAsArray();
  }

  async texts(format: Format): Promise<string[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics.map((metric) => {
      const { name, help } = metric;
      const type = String(metric.type);
      const samples = metric.values as readonly Sample[];
      return (
        headText(format, { name, type, help, unit: null }) + samples.map((one) => line(name, one)).join('')
      );
    });
  }
}

function line(name: string, { metricName = name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, of]) => {
    const text = label === 'le' && typeof of === 'number' ? boundText(of) : String(of);
    return `${label}="${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;
  });
  return `${metricName}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`;
}
