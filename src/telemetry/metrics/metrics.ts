import type { Database } from '../../database/database.js';
import type { Census } from '../../engine/census.js';
import type { EngineHooks } from '../../engine/hooks.js';
import type { Task } from '../../engine/task.js';
import type { Logger } from '../../foundation/logger.js';
import { CensusReader } from './cluster/census-reader.js';
import { clusterMetrics } from './cluster/declarations.js';
import { ClusterRecorder } from './cluster/recorder.js';
import type { MetricDeclaration } from './declaration.js';
import { engineMetrics } from './engine/declarations.js';
import { EngineRecorder } from './engine/recorder.js';
import { contentTypes, endText, type Format } from './format.js';
import { processMetrics } from './process/declarations.js';
import { EventLoopLag } from './process/event-loop-lag.js';
import { NodeMetrics } from './process/node-metrics.js';
import { MetricRegistry } from './registry.js';
import { familyTexts } from './render.js';
import { joined } from './slices.js';

/** What this module writes itself. */
export const ownMetrics: readonly MetricDeclaration[] = Object.freeze([
  ...Object.values(engineMetrics),
  ...Object.values(clusterMetrics),
  ...Object.values(processMetrics),
]);

export interface MetricsOptions {
  readonly version: string;
  readonly logger: Logger;
  /** Of the modules above: HTTP, workloads. */
  readonly declarations?: readonly MetricDeclaration[];
  /** How old cluster-wide values may be before they are read anew. @default 3000 */
  readonly freshMs?: number;
}

/** What the metrics of a process are read from. */
export interface MetricSources {
  readonly engine: {
    readonly leading: boolean;
    readonly tasks: { list(): readonly Pick<Task, 'name' | 'queue'>[] };
    census(): Promise<Census>;
  };
  readonly database: Pick<Database, 'connections' | 'poolSize'>;
}

/** What a scraper is answered. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** The metrics of one process: made before its engine, whose hooks it listens to, and attached to it afterwards. */
export class Metrics {
  readonly registry: MetricRegistry;
  readonly hooks: EngineHooks;
  /** Measured from `attach` on. */
  readonly lag: EventLoopLag = new EventLoopLag();
  readonly #options: MetricsOptions;
  readonly #recorder: EngineRecorder;
  readonly #node = new NodeMetrics();
  /** Those under way, by format: however many scrape at once, it is written once. */
  readonly #writing = new Map<Format, Promise<string>>();
  #sources: MetricSources | undefined;
  #reader: CensusReader<Census> | undefined;
  #cluster: ClusterRecorder | undefined;

  constructor(options: MetricsOptions) {
    this.registry = new MetricRegistry([...ownMetrics, ...(options.declarations ?? [])]);
    this.#options = options;
    this.#recorder = new EngineRecorder(this.registry);
    this.hooks = this.#recorder;
    const labels = { version: options.version, node: process.version };
    this.registry.gauge(processMetrics.buildInfo).set(labels, 1);
  }

  /** From now on there is something to read from. */
  attach(sources: MetricSources): void {
    const { engine } = sources;
    const { logger, freshMs } = this.#options;
    this.#sources = sources;
    this.#reader = new CensusReader({ read: () => engine.census(), logger, freshMs });
    this.#cluster = new ClusterRecorder(this.registry, this.#reader);
    this.#recorder.expect(engine.tasks.list().map(({ name, queue }) => ({ queue, task: name })));
    this.lag.start();
    this.#node.start();
  }

  /** Waits for a reading that is under way: it uses the pool. */
  async stop(): Promise<void> {
    this.lag.stop();
    await this.#reader?.settled();
  }

  /** Everything, within about a second whatever the database does. */
  async scrape(format: Format): Promise<Exposition> {
    return { contentType: contentTypes[format], text: (await this.write(format)) + endText[format] };
  }

  /** The same without its end, for who adds to it. */
  async write(format: Format): Promise<string> {
    const underWay = this.#writing.get(format);
    if (underWay !== undefined) return underWay;
    const writing = this.#write(format).finally(() => this.#writing.delete(format));
    this.#writing.set(format, writing);
    return writing;
  }

  async #write(format: Format): Promise<string> {
    this.registry.counter(processMetrics.scrapes).with({ format }).inc();
    await this.#cluster?.collect();
    this.#collectProcess();
    const own = await joined(familyTexts(this.registry.families(), format));
    return own + (await this.#node.texts(format)).join('');
  }

  #collectProcess(): void {
    const lag = this.lag.read();
    if (lag !== undefined) {
      const gauge = this.registry.gauge(processMetrics.eventLoopLag);
      for (const percentile of ['50', '99', '100'] as const) gauge.set({ percentile }, lag[percentile]);
    }
    if (this.#sources === undefined) return;
    const { engine, database } = this.#sources;
    const { total, idle, waiting } = database.connections;
    this.registry.gauge(engineMetrics.leading).set({}, Number(engine.leading));
    this.registry.gauge(processMetrics.poolSize).set({}, database.poolSize);
    this.registry.gauge(processMetrics.poolInUse).set({}, total - idle);
    this.registry.gauge(processMetrics.poolWaiting).set({}, waiting);
  }
}
