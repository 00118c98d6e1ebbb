import type { FieldProblem } from '../../foundation/errors.js';
import { optionProblems, problemsOf } from '../enqueue.js';
import { engineErrors } from '../errors.js';
import { isStorableText, storableJson } from '../json.js';
import { isName, isTask, nameRule, type Task } from '../task.js';
import {
  type CatchUpPolicy,
  catchUpPolicies,
  type OverlapPolicy,
  overlapPolicies,
  type ScheduleDefinition,
} from './schedule.js';
import { cronProblems } from './slots.js';

export interface ScheduleOptions {
  /** Unique name, dotted by area: `images.sweep`. */
  readonly name: string;
  /** The task, or its name. Given the task itself, the input is checked against it at once. */
  readonly task: Task | string;
  /** Input of every job, JSON. @default {} */
  readonly input?: unknown;
  /** Field of the input into which the slot's time is written, RFC 3339: the job then knows for when it is. */
  readonly slotField?: string | undefined;
  /** 5 fields, or 6 with seconds first; or `@hourly` and the like. */
  readonly cron: string;
  /** Name of the IANA database. @default UTC */
  readonly timeZone?: string | undefined;
  /** @default latest */
  readonly catchUp?: CatchUpPolicy | undefined;
  /** @default skip */
  readonly overlap?: OverlapPolicy | undefined;
  /** Longest random delay of the job, milliseconds, at most a day; never past the next slot. @default 0 */
  readonly jitterMs?: number | undefined;
  /** Of the jobs; otherwise the task's. */
  readonly priority?: number | undefined;
  readonly owner?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Whether it begins at rest. Declared in code it counts only when the schedule is new. */
  readonly paused?: boolean | undefined;
}

/** A registered symbol: a schedule made by another copy of this package is a schedule too. */
const brand = Symbol.for('signalbox.schedule');

/** Declares a schedule. @throws TypeError naming every wrong field */
export function schedule(options: ScheduleOptions): ScheduleDefinition {
  const problems = problemsIn(options);
  if (problems.length > 0) throw new TypeError(`schedule ${options.name}: ${textOf(problems)}`);
  return define(options);
}

/** The same for one that comes from outside. @throws schedule_invalid naming every wrong field */
export function acceptSchedule(options: ScheduleOptions): ScheduleDefinition {
  const fields = problemsIn(options);
  if (fields.length > 0) throw engineErrors.schedule_invalid(`The schedule: ${textOf(fields)}`, { fields });
  return define(options);
}

/** Whether `schedule` made it: tells a module's schedules from whatever else it exports. */
export function isSchedule(value: unknown): value is ScheduleDefinition {
  return typeof value === 'object' && value !== null && brand in value;
}

/** The input of the job for one slot. */
export function inputFor(definition: Pick<ScheduleDefinition, 'input' | 'slotField'>, slot: Date): unknown {
  const { input, slotField } = definition;
  return slotField === null ? input : { ...(input as object), [slotField]: slot.toISOString() };
}

function define(options: ScheduleOptions): ScheduleDefinition {
  const json = storableJson(options.input ?? {});
  return Object.freeze({
    [brand]: true,
    name: options.name,
    task: typeof options.task === 'string' ? options.task : options.task.name,
    // A copy: what the caller does to its object later must not reach the jobs of one process only.
    input: json.ok ? (JSON.parse(json.text) as unknown) : {},
    slotField: options.slotField ?? null,
    cron: options.cron.trim(),
    timeZone: options.timeZone ?? 'UTC',
    catchUp: options.catchUp ?? 'latest',
    overlap: options.overlap ?? 'skip',
    jitterMs: options.jitterMs ?? 0,
    priority: options.priority ?? null,
    owner: options.owner ?? null,
    tags: Object.freeze([...(options.tags ?? [])]),
    paused: options.paused ?? null,
  });
}

const longestJitterMs = 86_400_000;

function problemsIn(options: ScheduleOptions): FieldProblem[] {
  const { catchUp = 'latest', overlap = 'skip', jitterMs = 0, priority, owner, tags } = options;
  const taskName = typeof options.task === 'string' ? options.task : options.task.name;
  const checks: [string, boolean, string][] = [
    ['name', isName(options.name), nameRule],
    ['task', isName(taskName), nameRule],
    ['catchUp', catchUpPolicies.includes(catchUp), `must be one of ${catchUpPolicies.join(', ')}`],
    ['overlap', overlapPolicies.includes(overlap), `must be one of ${overlapPolicies.join(', ')}`],
    [
      'jitterMs',
      Number.isInteger(jitterMs) && jitterMs >= 0 && jitterMs <= longestJitterMs,
      `must be a whole number from 0 to ${longestJitterMs} (a day)`,
    ],
  ];
  return [
    ...checks.filter(([, fine]) => !fine).map(([field, , message]) => ({ field, message })),
    ...optionProblems({ priority, owner, tags }),
    ...cronProblems(options.cron, options.timeZone ?? 'UTC'),
    ...inputProblems(options),
  ];
}

function inputProblems({ task, input = {}, ...rest }: ScheduleOptions): FieldProblem[] {
  const slotField = rest.slotField ?? null;
  const json = storableJson(input);
  if (!json.ok) return [{ field: json.path === '' ? 'input' : `input.${json.path}`, message: json.problem }];
  if (slotField !== null) {
    if (slotField === '' || slotField.length > 100 || !isStorableText(slotField)) {
      return [{ field: 'slotField', message: 'must be a name of 1 to 100 characters' }];
    }
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      return [{ field: 'slotField', message: 'needs an input that is an object' }];
    }
  }
  if (!isTask(task)) return [];
  const parsed = task.input.safeParse(inputFor({ input, slotField }, new Date(0)));
  return parsed.success ? [] : problemsOf(parsed.error, 'input');
}

function textOf(problems: readonly FieldProblem[]): string {
  return problems.map(({ field, message }) => `${field} ${message}`).join('; ');
}
