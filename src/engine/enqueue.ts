import type { z } from 'zod';
import type { FieldProblem } from '../foundation/errors.js';
import { isId, newId } from '../foundation/ids.js';
import { engineErrors } from './errors.js';
import { jobStatuses, unfinishedStatuses } from './job.js';
import { isStorableText, storableJson } from './json.js';
import type { MoreOfJob, NewJob, UniqueKey } from './sql/enqueue.js';
import type { Concurrency, Task, Unique } from './task.js';

/** What a caller may say about one job beyond its input. */
export interface EnqueueOptions {
  /**
   * A UUIDv7 made beforehand, so that other rows of the same transaction can name the job, or so that an enqueue
   * whose answer was lost can be repeated: while the job is kept, a second one with its id answers with the first.
   */
  readonly id?: string | undefined;
  readonly priority?: number | undefined;
  /** Not before this time. */
  readonly runAt?: Date | undefined;
  /** Failed as `expired` when its first attempt has not started by then. */
  readonly expiresAt?: Date | undefined;
  /** Failed as `deadline` when it has not ended by then, whatever attempts are left. */
  readonly deadlineAt?: Date | undefined;
  readonly maxAttempts?: number | undefined;
  /** Milliseconds per attempt. */
  readonly timeoutMs?: number | undefined;
  /** Of all jobs with this key, whatever their task, at most `limit` run at once. The task's own if not given. */
  readonly concurrency?: Concurrency | undefined;
  /** At most one job has the key. The task's own if not given. */
  readonly unique?: Unique | undefined;
  /** Who it belongs to; opaque to the engine. */
  readonly owner?: string | undefined;
  /** At most 20, each of at most 100 characters. */
  readonly tags?: readonly string[] | undefined;
  /** W3C `traceparent`. */
  readonly traceParent?: string | undefined;
}

/** Checks a job and completes it from the task's policy. @throws input_invalid naming every wrong field */
export function prepareJob(task: Task, laneId: number, input: unknown, options?: EnqueueOptions): NewJob {
  const parsed = task.input.safeParse(input);
  const json = storableJson(input);
  const concurrency = options?.concurrency ?? (parsed.success ? task.concurrency?.(parsed.data) : undefined);
  const unique = options?.unique ?? (parsed.success ? task.unique?.(parsed.data) : undefined);
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error, 'input')),
    ...(json.ok || !parsed.success
      ? []
      : [{ field: json.path === '' ? 'input' : `input.${json.path}`, message: json.problem }]),
    ...(options === undefined ? [] : optionProblems(options)),
    ...(concurrency === undefined ? [] : concurrencyProblems(concurrency)),
    ...(unique === undefined ? [] : uniqueProblems(unique)),
  ];
  if (problems.length > 0 || !json.ok) {
    const text = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw engineErrors.input_invalid(`${task.name}: ${text}`, { fields: problems });
  }
  return {
    id: options?.id ?? newId(),
    task: task.name,
    queue: task.queue,
    laneId,
    priority: options?.priority ?? task.priority,
    maxAttempts: options?.maxAttempts ?? task.maxAttempts,
    timeoutMs: options?.timeoutMs ?? task.timeoutMs,
    input: json.text,
    owner: options?.owner ?? null,
    traceParent: options?.traceParent ?? null,
    more: moreOf(options, concurrency, unique),
  };
}

function moreOf(
  options: EnqueueOptions | undefined,
  concurrency: Concurrency | undefined,
  unique: Unique | undefined,
): MoreOfJob | null {
  const { id, runAt = null, expiresAt = null, deadlineAt = null, tags = [] } = options ?? {};
  const rare = id !== undefined || tags.length > 0 || (runAt ?? expiresAt ?? deadlineAt) !== null;
  if (!rare && concurrency === undefined && unique === undefined) return null;
  return {
    runAt,
    expiresAt,
    deadlineAt,
    tags,
    limit: concurrency === undefined ? null : { key: concurrency.key, max: concurrency.limit },
    unique: unique === undefined ? null : toUniqueKey(unique),
  };
}

function toUniqueKey({ key, periodMs, states = unfinishedStatuses }: Unique): UniqueKey {
  return { key, periodMs: periodMs ?? null, states };
}

/** One problem per wrong field; an unknown field is named itself, not its parent. */
export function problemsOf(error: z.ZodError, root: string): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const path = [root, ...issue.path.map(String)].filter((part) => part !== '').join('.');
    if (issue.code !== 'unrecognized_keys') return [{ field: path, message: issue.message }];
    const prefix = path === '' ? '' : `${path}.`;
    return issue.keys.map((key) => ({ field: `${prefix}${key}`, message: 'is not a known field' }));
  });
}

const traceParentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What is wrong with what a caller says about a job, or a schedule about its jobs. */
export function optionProblems(options: EnqueueOptions): FieldProblem[] {
  const { priority = 0, maxAttempts = 1, timeoutMs = 1, owner = '', tags = [], traceParent } = options;
  const { id, runAt, expiresAt, deadlineAt } = options;
  const problems: FieldProblem[] = [];
  const need = (field: string, fine: boolean, message: string) => {
    if (!fine) problems.push({ field, message });
  };
  need(
    'priority',
    Number.isInteger(priority) && Math.abs(priority) <= 1_000,
    'must be a whole number from -1000 to 1000',
  );
  need(
    'maxAttempts',
    Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 100,
    'must be a whole number from 1 to 100',
  );
  need(
    'timeoutMs',
    Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 604_800_000,
    'must be a whole number from 1 to 604800000',
  );
  need('owner', owner.length <= 200 && isStorableText(owner), 'must be text of at most 200 characters');
  need(
    'tags',
    tags.length <= 20 && tags.every((tag) => tag.length >= 1 && tag.length <= 100 && isStorableText(tag)),
    'must be at most 20 texts of 1 to 100 characters',
  );
  need('id', id === undefined || isId(id), 'must be a UUIDv7');
  need('runAt', isDate(runAt), 'must be a valid date');
  need('expiresAt', isDate(expiresAt), 'must be a valid date');
  need('deadlineAt', isDate(deadlineAt), 'must be a valid date');
  need(
    'traceParent',
    traceParent === undefined || traceParentPattern.test(traceParent),
    'must be a W3C traceparent',
  );
  return problems;
}

function isDate(date: Date | undefined): boolean {
  return date === undefined || !Number.isNaN(date.getTime());
}

function isKey(key: string): boolean {
  return key.length >= 1 && key.length <= 200 && isStorableText(key);
}

function concurrencyProblems({ key, limit }: Concurrency): FieldProblem[] {
  return [
    ...(isKey(key) ? [] : [{ field: 'concurrency.key', message: 'must be text of 1 to 200 characters' }]),
    ...(Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000
      ? []
      : [{ field: 'concurrency.limit', message: 'must be a whole number from 1 to 1000000' }]),
  ];
}

function uniqueProblems({ key, periodMs = 1, states = unfinishedStatuses }: Unique): FieldProblem[] {
  return [
    ...(isKey(key) ? [] : [{ field: 'unique.key', message: 'must be text of 1 to 200 characters' }]),
    ...(Number.isFinite(periodMs) && periodMs >= 1
      ? []
      : [{ field: 'unique.periodMs', message: 'must be a number of milliseconds, 1 or more' }]),
    ...(states.length > 0 && states.every((state) => jobStatuses.includes(state))
      ? []
      : [{ field: 'unique.states', message: `must be some of ${jobStatuses.join(', ')}` }]),
  ];
}
