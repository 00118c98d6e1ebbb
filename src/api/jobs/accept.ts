import type { EnqueueOptions } from '../../engine/enqueue.js';
import type { Job } from '../../engine/job.js';
import type { OpenTask, Task } from '../../engine/task.js';
import { isSignalboxError } from '../../foundation/errors.js';
import { newId } from '../../foundation/ids.js';
import { permissionDenied } from '../../http/guard.js';
import { assertStrict } from '../../http/strictness.js';
import { checkOrThrow } from '../../http/validation.js';
import type { Principal } from '../../identity/principal.js';
import type { ApiDeps } from '../deps.js';
import { apiErrors } from '../errors.js';
import type { NewJobBody } from './schemas.js';

/** @throws TypeError when a task that strangers may enqueue would let unknown or endless input through */
export function assertOpenTasksStrict(tasks: readonly Task[]): void {
  for (const task of tasks) {
    if (task.open !== undefined) assertStrict(`input of the open task ${task.name}`, task.input);
  }
}

/**
 * Accepts one job from outside: what the workload records of it and the job itself are committed together,
 * or neither is. `prefix` is how the caller named the fields of the input.
 * @throws task_unknown, task_not_open, permission_denied, fields_invalid, and whatever the workload refuses with
 */
export async function acceptJob(
  { engine, database }: Pick<ApiDeps, 'engine' | 'database'>,
  principal: Principal,
  body: NewJobBody,
  prefix: 'input.' | '',
  traceParent: string | undefined,
): Promise<Job> {
  const task = engine.tasks.require(body.task);
  const open = openOf(task);
  if (!principal.has(open.permission)) throw permissionDenied(principal, open.permission);
  const options: EnqueueOptions = {
    owner: principal.id,
    priority: body.priority,
    runAt: body.run_at === undefined ? undefined : new Date(body.run_at),
    tags: body.tags,
    traceParent,
  };
  const check = () => checkOrThrow(task.input, body.input, { whole: 'input', prefix });
  if (open.admit === undefined) {
    return engine.enqueue(task, body.input, options).catch((error: unknown) => {
      // The engine checks by the same schema before it writes: only what it refuses is looked at again, to be named
      // as the caller named it.
      if (isSignalboxError(error, 'input_invalid')) check();
      throw error;
    });
  }
  const id = newId();
  const input = check();
  return database.transaction(async (tx) => {
    await open.admit?.(tx, { id, input, caller: { id: principal.id, permissions: principal.permissions } });
    return engine.enqueue(tx, task, body.input, { ...options, id });
  });
}

function openOf(task: Task): OpenTask<unknown> {
  if (task.open !== undefined) return task.open;
  throw apiErrors.task_not_open(`The task ${task.name} is enqueued by code only; it is not open over HTTP.`, {
    fields: [{ field: 'task', message: 'is not open over HTTP' }],
  });
}
