import { canaryTaskName } from './canary/canary.js';
import { engineErrors } from './errors.js';
import type { Task } from './task.js';

/** The tasks that this process knows, by name. */
export class TaskRegistry {
  readonly #tasks = new Map<string, Task>();

  /** @throws task_duplicate */
  constructor(tasks: readonly Task[]) {
    for (const task of tasks) {
      if (task.name === canaryTaskName)
        throw engineErrors.task_duplicate(`Task ${task.name} is the engine's own.`);
      if (this.#tasks.has(task.name))
        throw engineErrors.task_duplicate(`Task ${task.name} is defined twice.`);
      this.#tasks.set(task.name, task);
    }
  }

  get(name: string): Task | undefined {
    return this.#tasks.get(name);
  }

  /** @throws task_unknown, naming those that are known */
  require(name: string): Task {
    const task = this.#tasks.get(name);
    if (task) return task;
    const known = [...this.#tasks.keys()].join(', ') || 'none';
    throw engineErrors.task_unknown(`There is no task "${name}". Known tasks: ${known}.`, {
      fields: [{ field: 'task', message: 'is not a known task' }],
    });
  }

  list(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  queues(): readonly string[] {
    return [...new Set(this.list().map((task) => task.queue))].sort();
  }
}
