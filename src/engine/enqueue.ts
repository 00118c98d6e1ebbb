import type { z } from 'zod';
import type { FieldProblem } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import { engineErrors } from './errors.js';
import { isStorableText, storableJson } from './json.js';
import type { NewJob } from './sql/enqueue.js';
import type { Task } from './task.js';

/** What a caller may say about one job beyond its input. */
export interface EnqueueOptions {
  /** A UUIDv7 made beforehand, so that other rows of the same transaction can name the job. */
  readonly id?: string | undefined;
  readonly priority?: number | undefined;
  /** Not before this time. */
  readonly runAt?: Date | undefined;
  readonly maxAttempts?: number | undefined;
  /** Milliseconds per attempt. */
  readonly timeoutMs?: number | undefined;
  /** Who it belongs to; opaque to the engine. */
  readonly owner?: string | undefined;
  /** At most 20, each of at most 100 characters. */
  readonly tags?: readonly string[] | undefined;
  /** W3C `traceparent`. */
  readonly traceParent?: string | undefined;
}

/** Checks a job and completes it from the task's policy. @throws input_invalid naming every wrong field */
export function prepareJob(task: Task, input: unknown, options: EnqueueOptions = {}): NewJob {
  const problems = [...inputProblems(task, input), ...optionProblems(options)];
  if (problems.length > 0) {
    const text = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw engineErrors.input_invalid(`${task.name}: ${text}`, { fields: problems });
  }
  return {
    id: options.id ?? newId(),
    task: task.name,
    queue: task.queue,
    priority: options.priority ?? task.priority,
    input,
    maxAttempts: options.maxAttempts ?? task.maxAttempts,
    timeoutMs: options.timeoutMs ?? task.timeoutMs,
    runAt: options.runAt ?? null,
    owner: options.owner ?? null,
    tags: options.tags ?? [],
    traceParent: options.traceParent ?? null,
  };
}

function inputProblems(task: Task, input: unknown): FieldProblem[] {
  const parsed = task.input.safeParse(input);
  if (!parsed.success) return problemsOf(parsed.error, 'input');
  const json = storableJson(input);
  if (json.ok) return [];
  return [{ field: json.path === '' ? 'input' : `input.${json.path}`, message: json.problem }];
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

function optionProblems(options: EnqueueOptions): FieldProblem[] {
  const { priority = 0, maxAttempts = 1, timeoutMs = 1, owner = '', tags = [], runAt, traceParent } = options;
  const checks: [string, boolean, string][] = [
    [
      'priority',
      Number.isInteger(priority) && Math.abs(priority) <= 1_000,
      'must be a whole number from -1000 to 1000',
    ],
    [
      'maxAttempts',
      Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 100,
      'must be a whole number from 1 to 100',
    ],
    [
      'timeoutMs',
      Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 604_800_000,
      'must be a whole number from 1 to 604800000',
    ],
    ['owner', owner.length <= 200 && isStorableText(owner), 'must be text of at most 200 characters'],
    [
      'tags',
      tags.length <= 20 && tags.every((tag) => tag.length >= 1 && tag.length <= 100 && isStorableText(tag)),
      'must be at most 20 texts of 1 to 100 characters',
    ],
    ['runAt', runAt === undefined || !Number.isNaN(runAt.getTime()), 'must be a valid date'],
    [
      'traceParent',
      traceParent === undefined || traceParentPattern.test(traceParent),
      'must be a W3C traceparent',
    ],
  ];
  return checks.filter(([, fine]) => !fine).map(([field, , message]) => ({ field, message }));
}
