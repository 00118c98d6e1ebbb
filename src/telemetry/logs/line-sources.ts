import { TokenBucket } from '../../foundation/token-bucket.js';

/** All lines of one template, whoever logs them. */
export interface LineSource {
  readonly template: string;
  readonly bucket: TokenBucket;
  leftOut: number;
}

const keyLength = 200;
const maxMessages = 2_000;
const maxTemplates = 500;
const pruneMs = 1_000;

/** Messages by template: what differs in numbers and ids only is one source. Bounded, whatever handlers and errors say. */
export class LineSources {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #byMessage = new Map<string, LineSource>();
  readonly #byTemplate = new Map<string, LineSource>();
  /** Of the templates for which there is no room. */
  readonly #others: LineSource;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#others = this.#make('(others)');
  }

  of(message: string, nowMs: number): LineSource {
    const key = message.length > keyLength ? message.slice(0, keyLength) : message;
    return this.#byMessage.get(key) ?? this.#find(key, nowMs);
  }

  /** Those of which lines were left out since the last call, most first. */
  takeLeftOut(): { readonly template: string; readonly leftOut: number }[] {
    const told = [];
    for (const source of [...this.#byTemplate.values(), this.#others]) {
      if (source.leftOut === 0) continue;
      told.push({ template: source.template, leftOut: source.leftOut });
      source.leftOut = 0;
    }
    return told.sort((a, b) => b.leftOut - a.leftOut);
  }

  #find(key: string, nowMs: number): LineSource {
    const template = templateOf(key);
    let source = this.#byTemplate.get(template);
    if (source === undefined) {
      if (this.#byTemplate.size >= maxTemplates) this.#prune(nowMs);
      if (this.#byTemplate.size >= maxTemplates) return this.#others;
      source = this.#make(template);
      this.#byTemplate.set(template, source);
    }
    if (this.#byMessage.size >= maxMessages) this.#byMessage.clear();
    this.#byMessage.set(key, source);
    return source;
  }

  /** Forgets those that have been quiet for so long that a new one is the same. */
  #prune(nowMs: number): void {
    if (nowMs - this.#prunedAt < pruneMs) return;
    this.#prunedAt = nowMs;
    this.#byMessage.clear();
    for (const [template, source] of this.#byTemplate) {
      if (source.leftOut === 0 && source.bucket.isFull(nowMs)) this.#byTemplate.delete(template);
    }
  }

  #make(template: string): LineSource {
    return { template, bucket: new TokenBucket(this.#perSecond, this.#burst), leftOut: 0 };
  }
}

function templateOf(message: string): string {
  return message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '#').slice(0, 100);
}
