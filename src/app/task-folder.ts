import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isTask, type Task } from '../engine/task.js';
import { messageOf } from '../foundation/errors.js';
import { appErrors } from './errors.js';

/**
 * Every task that the modules of a folder export. Loading runs their code: the folder is as trusted as ours.
 * @throws tasks_unreadable naming the file
 */
export async function loadTaskFolder(folder: string): Promise<Task[]> {
  const root = resolve(folder);
  let names: string[];
  try {
    names = (await readdir(root)).filter((name) => /\.m?js$/.test(name)).sort();
  } catch (error) {
    throw appErrors.tasks_unreadable(`SIGNALBOX_TASKS: ${messageOf(error)}`, { cause: error });
  }
  const found: Task[] = [];
  for (const name of names) {
    try {
      const module: Record<string, unknown> = await import(pathToFileURL(join(root, name)).href);
      found.push(...Object.values(module).filter(isTask));
    } catch (error) {
      throw appErrors.tasks_unreadable(`${name}: ${messageOf(error)}`, { cause: error });
    }
  }
  return [...new Set(found)];
}
