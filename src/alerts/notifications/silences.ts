import type { Database } from '../../database/database.js';
import { storableText } from '../../engine/failure.js';
import { cronProblems } from '../../engine/schedules/slots.js';
import { type FieldProblem, isSignalboxError, type SignalboxError } from '../../foundation/errors.js';
import { isId, newId } from '../../foundation/ids.js';
import { notificationErrors } from './errors.js';
import { databaseNow, lockAllChannels } from './store/channels.js';
import { endSilence, insertSilence, listSilences, releaseHeld, type Silence } from './store/silences.js';

/** What is not to be sent for a while. It is logged all the same, and sent when it still fires at the end. */
export interface NewSilence {
  /** `maintenance` may repeat. @default silence */
  readonly kind?: 'silence' | 'maintenance';
  /** Only alerts of this rule. */
  readonly rule?: string | undefined;
  /** Only alerts with all these labels. A silence needs a rule or a label; a maintenance window may mean everything. */
  readonly labels?: Readonly<Record<string, string>>;
  /** @default now */
  readonly startsAt?: Date | undefined;
  /** Required unless it repeats. */
  readonly endsAt?: Date | undefined;
  /** Only for so long after each slot. */
  readonly every?:
    | { readonly cron: string; readonly timeZone?: string; readonly durationMs: number }
    | undefined;
  readonly reason: string;
  /** Who. */
  readonly by: string;
}

const maxDurationMs = 7 * 86_400_000;

/** Silences and maintenance windows: made, ended and listed. */
export class Silences {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * @param rules the names of all rules: one that is none of them would silence nothing. @default any name will do
   * @throws silence_invalid, naming every wrong field
   */
  async create(wish: NewSilence, rules?: readonly string[]): Promise<Silence> {
    const now = await databaseNow(this.#db);
    const fields = [...ruleProblems(wish.rule, rules), ...problemsOf(wish, now)];
    if (fields.length > 0) throw silenceInvalid(fields);
    const { kind = 'silence', rule = null, labels = {}, startsAt = now, endsAt = null, every } = wish;
    return insertSilence(this.#db, {
      id: newId(),
      kind,
      rule,
      labels,
      startsAt,
      endsAt,
      every: every === undefined ? null : { timeZone: 'UTC', ...every },
      reason: storableText(wish.reason, 1_000),
      createdBy: storableText(wish.by, 200),
    });
  }

  /** Ends one now: what it kept back and still fires is sent. @throws silence_not_found */
  async end(id: string): Promise<Silence> {
    const ended = isId(id) ? await this.#end(id) : undefined;
    if (ended !== undefined) return ended;
    throw notificationErrors.silence_not_found(
      `There is no silence ${id.slice(0, 100)} that could be ended.`,
    );
  }

  /** Newest first, those that are over left out unless `past`. */
  async list(
    filter: { readonly before?: string | undefined; readonly past?: boolean; readonly limit?: number } = {},
  ): Promise<Silence[]> {
    return listSilences(this.#db, { limit: 100, ...filter });
  }

  async #end(id: string): Promise<Silence | undefined> {
    return this.#db.transaction(async (tx) => {
      const now = await databaseNow(tx);
      await lockAllChannels(tx);
      const ended = await endSilence(tx, id, now);
      if (ended !== undefined) await releaseHeld(tx, id, now);
      return ended;
    });
  }
}

function silenceInvalid(fields: readonly FieldProblem[]): SignalboxError {
  const text = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  return notificationErrors.silence_invalid(`The silence is not valid: ${text}.`, { fields });
}

/** The error with its fields as the caller had to spell them; any other error as it is. */
export function respelled(error: unknown, spell: (field: string) => string): unknown {
  if (!isSignalboxError(error, 'silence_invalid')) return error;
  return silenceInvalid(error.fields.map(({ field, message }) => ({ field: spell(field), message })));
}

function ruleProblems(rule: string | undefined, rules: readonly string[] | undefined): FieldProblem[] {
  if (rule === undefined || rules === undefined || rules.includes(rule)) return [];
  return [{ field: 'rule', message: `is none of the rules: ${rules.join(', ')}` }];
}

function problemsOf(wish: NewSilence, now: Date): FieldProblem[] {
  const { kind = 'silence', rule, labels = {}, startsAt = now, endsAt, every, reason, by } = wish;
  const problems: FieldProblem[] = [];
  const need = (field: string, fine: boolean, message: string) => {
    if (!fine) problems.push({ field, message });
  };
  const entries = Object.entries(labels);
  const fits = (text: string, max: number) =>
    text.length >= 1 && text.length <= max && text === storableText(text);
  need('rule', rule === undefined || fits(rule, 200), 'must be text of 1 to 200 characters');
  need(
    'labels',
    entries.length <= 20 &&
      entries.every(([name, value]) => fits(name, 200) && value === storableText(value, 1_000)),
    'must be at most 20 labels, names of at most 200 and values of at most 1000 characters',
  );
  need(
    'rule',
    kind === 'maintenance' || rule !== undefined || entries.length > 0,
    'or a label must be given: only a maintenance window may mean every alert',
  );
  need('reason', reason.trim() !== '', 'must say why');
  need('by', by.trim() !== '', 'must say who');
  need('endsAt', endsAt !== undefined || every !== undefined, 'must be given unless it repeats');
  need('startsAt', !Number.isNaN(startsAt.getTime()), 'must be a valid date');
  need('endsAt', endsAt === undefined || endsAt > now, 'must be in the future');
  need('endsAt', endsAt === undefined || endsAt > startsAt, 'must be after the start');
  if (every === undefined) return problems;
  need('every', kind === 'maintenance', 'is for maintenance windows only');
  need(
    'every.durationMs',
    Number.isInteger(every.durationMs) && every.durationMs >= 60_000 && every.durationMs <= maxDurationMs,
    'must be from a minute to a week, in milliseconds',
  );
  const cron = cronProblems(every.cron, every.timeZone ?? 'UTC');
  return [...problems, ...cron.map(({ field, message }) => ({ field: `every.${field}`, message }))];
}
