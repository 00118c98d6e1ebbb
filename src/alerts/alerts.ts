import type { Database } from '../database/database.js';
import type { Alert } from './alert.js';
import { alertErrors } from './errors.js';
import type { RuleTraits } from './rule.js';
import type { AlertSource } from './source.js';
import {
  acknowledgeAlert,
  type EvaluationNote,
  type HistoryPage,
  lastEvaluation,
  openAlerts,
  resolvedAlerts,
} from './store.js';

/** What is wrong now, what was, and what is looked for. */
export class Alerts {
  readonly rules: readonly RuleTraits[];
  readonly #db: Database;
  readonly #acknowledged: (id: string, by: string) => Promise<unknown>;

  /** @param acknowledged keeps whoever notifies from telling it again */
  constructor(
    db: Database,
    sources: readonly AlertSource[],
    acknowledged: (id: string, by: string) => Promise<unknown> = async () => undefined,
  ) {
    this.#db = db;
    this.#acknowledged = acknowledged;
    this.rules = sources.flatMap(({ rules }) => rules);
  }

  /** Pending and firing, the longest first. */
  async open(): Promise<Alert[]> {
    return openAlerts(this.#db);
  }

  /** What has ended, the last first. */
  async history(page: HistoryPage): Promise<Alert[]> {
    return resolvedAlerts(this.#db, page);
  }

  /** When the rules were last judged; `undefined`: never. Without it "no alert" says nothing. */
  async evaluation(): Promise<EvaluationNote | undefined> {
    return lastEvaluation(this.#db);
  }

  /**
   * Somebody looks after it. Whoever was first stays.
   * @throws alert_not_open
   */
  async acknowledge(id: string, by: string): Promise<Alert> {
    const alert = await acknowledgeAlert(this.#db, id, by);
    if (alert === undefined) throw alertErrors.alert_not_open(`There is no open alert ${id}.`);
    await this.#acknowledged(id, by);
    return alert;
  }
}
