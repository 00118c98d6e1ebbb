import type { Database } from '../database/database.js';
import { isId } from '../foundation/ids.js';
import type { Alert } from './alert.js';
import { alertErrors } from './errors.js';
import type { RuleTraits } from './rule.js';
import {
  acknowledgeAlert,
  type EvaluationNote,
  findAlert,
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

  /**
   * @param rules all that anybody judges here
   * @param acknowledged keeps whoever notifies from telling it again
   */
  constructor(
    db: Database,
    rules: readonly RuleTraits[],
    acknowledged: (id: string, by: string) => Promise<unknown> = async () => undefined,
  ) {
    this.#db = db;
    this.#acknowledged = acknowledged;
    this.rules = rules;
  }

  /** Pending and firing, the longest first. */
  async open(): Promise<Alert[]> {
    return openAlerts(this.#db);
  }

  /** Open or over. @throws alert_not_found */
  async get(id: string): Promise<Alert> {
    const alert = isId(id) ? await findAlert(this.#db, id) : undefined;
    if (alert !== undefined) return alert;
    throw alertErrors.alert_not_found(`There is no alert ${id.slice(0, 100)}.`);
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
    const alert = isId(id) ? await acknowledgeAlert(this.#db, id, by) : undefined;
    if (alert === undefined) throw alertErrors.alert_not_open(`There is no open alert ${id.slice(0, 100)}.`);
    await this.#acknowledged(id, by);
    return alert;
  }
}
