import type {
  CounterDeclaration,
  GaugeDeclaration,
  HistogramDeclaration,
  Labels,
  MetricDeclaration,
} from './declaration.js';
import { type AnyFamily, CounterFamily, GaugeFamily, HistogramFamily } from './family.js';

/**
 * The metrics of one process, or of one part of a test: any number of registries live side by side. Only what it was
 * made with can be written; a declaration gives the writer of its own labels.
 */
export class MetricRegistry {
  readonly declarations: readonly MetricDeclaration[];
  readonly #families = new Map<MetricDeclaration, AnyFamily>();

  /** @throws TypeError when two declarations have one name */
  constructor(declarations: readonly MetricDeclaration[]) {
    this.declarations = Object.freeze([...declarations]);
    const known = new Set<string>();
    for (const declaration of declarations) {
      if (known.has(declaration.name)) throw new TypeError(`metric ${declaration.name} is declared twice`);
      known.add(declaration.name);
      this.#families.set(declaration, familyOf(declaration));
    }
  }

  counter<L extends Labels>(declaration: CounterDeclaration<L>): CounterFamily<L> {
    return this.#find(declaration) as CounterFamily<L>;
  }

  gauge<L extends Labels>(declaration: GaugeDeclaration<L>): GaugeFamily<L> {
    return this.#find(declaration) as GaugeFamily<L>;
  }

  histogram<L extends Labels>(declaration: HistogramDeclaration<L>): HistogramFamily<L> {
    return this.#find(declaration) as HistogramFamily<L>;
  }

  /** In the order of the declarations. */
  families(): Iterable<AnyFamily> {
    return this.#families.values();
  }

  #find(declaration: MetricDeclaration): unknown {
    const family = this.#families.get(declaration);
    if (family === undefined) throw new TypeError(`metric ${declaration.name} is not declared here`);
    return family;
  }
}

function familyOf(declaration: MetricDeclaration): AnyFamily {
  switch (declaration.type) {
    case 'counter':
      return new CounterFamily(declaration);
    case 'gauge':
      return new GaugeFamily(declaration);
    case 'histogram':
      return new HistogramFamily(declaration);
    default:
      return declaration satisfies never;
  }
}
