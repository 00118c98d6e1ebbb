import type { Database } from '../database/database.js';
import type { Queryable } from '../database/queryable.js';
import { lead, resign } from '../engine/sql/rescue.js';
import { messageOf } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
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

const leaderName = 'alerts';
const keepMs = 90 * 24 * 3_600_000;
const pruneEveryMs = 3_600_000;

/**
 * Judges every rule every ten seconds, in one process at a time; any process may be it. Where an alert stands is in the
 * database, so a restart or another leader neither tells one twice nor starts its time anew.
 */
export class Evaluator implements Service {
  readonly name = 'alerts';
  readonly #options: EvaluatorOptions;
  readonly #holder = newId();
  readonly #loop: Loop;
  #leading = false;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** @throws TypeError when two rules have one name */
  constructor(options: EvaluatorOptions) {
    const names = options.sources.flatMap(({ rules }) => rules.map(({ name }) => name));
    const twice = names.find((name, n) => names.indexOf(name) !== n);
    if (twice !== undefined) throw new TypeError(`Two alert rules are named ${twice}.`);
    this.#options = options;
    this.#loop = new Loop({
      name: leaderName,
      intervalMs: this.#intervalMs,
      logger: options.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** Whether this process evaluated last, as far as it knows. */
  get leading(): boolean {
    return this.#leading;
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    if (!this.#leading) return;
    this.#leading = false;
    try {
      await resign(this.#options.db, leaderName, this.#holder);
    } catch (error) {
      // The lease ends by itself; a stop must not fail for it.
      this.#options.logger.warn({ error: messageOf(error) }, 'the evaluator could not resign');
    }
  }

  /** One evaluation. @returns what it changed; `undefined` when another process evaluates */
  async runOnce(): Promise<AlertMoves | undefined> {
    const { db, logger, sources, record, onEvaluated } = this.#options;
    this.#leading = await lead(db, leaderName, this.#holder, this.#intervalMs * 3);
    if (!this.#leading) return undefined;
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

  get #intervalMs(): number {
    return this.#options.intervalMs ?? 10_000;
  }
}

function tell(logger: Logger, { rule, labels, severity, state, summary, remedy }: Alert): void {
  if (state === 'firing')
    logger.warn({ alert: rule, severity, ...labels, remedy }, `alert ${rule}: ${summary}`);
  else logger.info({ alert: rule, ...labels }, `alert ${rule} is over`);
}
