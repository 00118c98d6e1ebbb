import type { Database } from '../database/database.js';
import type { Queryable } from '../database/queryable.js';
import { Leadership } from '../engine/leadership.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import type { Alert, AlertMoves } from './alert.js';
import { advance } from './lifecycle.js';
import type { AlertSource } from './source.js';
import {
  forgetAlerts,
  lockEvaluation,
  noteEvaluation,
  openAlerts,
  pruneAlerts,
  saveAlerts,
} from './store.js';

export interface EvaluatorOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly sources: readonly AlertSource[];
  /** Writes whom to tell, in the transaction that makes it true. */
  readonly record: (tx: Queryable, edges: readonly Alert[], at: Date) => Promise<void>;
  /** After each evaluation that was written. Must not throw. */
  readonly onEvaluated?: (moves: AlertMoves) => void;
  /** Pause between two evaluations, milliseconds. @default 10000 */
  readonly intervalMs?: number;
}

const keepMs = 90 * 24 * 3_600_000;
const pruneEveryMs = 3_600_000;

/**
 * Judges every rule every ten seconds, in one process at a time; any process may be it. Where an alert stands is in the
 * database, so a restart or another leader neither tells one twice nor starts its time anew.
 */
export class Evaluator implements Service {
  readonly name = 'alerts';
  readonly #options: EvaluatorOptions;
  readonly #leadership: Leadership<AlertMoves>;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** @throws TypeError when two rules have one name */
  constructor(options: EvaluatorOptions) {
    const names = options.sources.flatMap(({ rules }) => rules.map(({ name }) => name));
    const twice = names.find((name, n) => names.indexOf(name) !== n);
    if (twice !== undefined) throw new TypeError(`Two alert rules are named ${twice}.`);
    this.#options = options;
    const { db, logger, intervalMs = 10_000 } = options;
    this.#leadership = new Leadership({
      db,
      logger,
      name: this.name,
      intervalMs,
      leaseTurns: 3,
      turn: () => this.#evaluate(),
    });
  }

  /** Whether this process evaluated last, as far as it knows. */
  get leading(): boolean {
    return this.#leadership.leading;
  }

  async start(): Promise<void> {
    await this.#leadership.start();
  }

  async stop(): Promise<void> {
    await this.#leadership.stop();
  }

  /** One evaluation. @returns what it changed; `undefined` when another process evaluates */
  async runOnce(): Promise<AlertMoves | undefined> {
    return this.#leadership.runOnce();
  }

  async #evaluate(): Promise<AlertMoves> {
    const { db, logger, sources, record, onEvaluated } = this.#options;
    const sightings = (await Promise.all(sources.map((source) => source.look(logger)))).flat();
    const unknown = sightings.filter(({ observations }) => observations === null);
    const moves = await db.transaction(async (tx) => {
      const now = await lockEvaluation(tx);
      const made = advance(await openAlerts(tx), sightings, now);
      await saveAlerts(tx, made.kept);
      await forgetAlerts(tx, made.forgotten);
      await record(tx, made.edges, now);
      await noteEvaluation(
        tx,
        now,
        unknown.map(({ rule }) => rule.name),
      );
      return made;
    });
    for (const alert of moves.edges) tell(logger, alert);
    onEvaluated?.(moves);
    await this.#prune();
    return moves;
  }

  async #prune(): Promise<void> {
    if (performance.now() - this.#prunedAt < pruneEveryMs) return;
    await pruneAlerts(this.#options.db, keepMs);
    this.#prunedAt = performance.now();
  }
}

function tell(logger: Logger, { rule, labels, severity, state, summary, remedy }: Alert): void {
  if (state === 'firing')
    logger.warn({ alert: rule, severity, ...labels, remedy }, `alert ${rule}: ${summary}`);
  else logger.info({ alert: rule, ...labels }, `alert ${rule} is over`);
}
