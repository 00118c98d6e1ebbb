import { randomBytes } from 'node:crypto';
import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessErrno } from './errno.js';
import { embeddedErrors } from './errors.js';
import type { Layout } from './layout.js';
import { syncFolder } from './native-copy.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

/**
 * The password of this home's server, made with the home. It reaches the disk before the data folder does,
 * so that no crash leaves data that nobody can open.
 * @throws embedded_data_unusable when there is data but no password.
 */
export async function ensurePassword(layout: Layout): Promise<string> {
  const path = join(layout.control, 'password');
  const found = (await readPrivateFile(path))?.trim();
  if (found) return found;
  if ((await unlessErrno('ENOENT', lstat(join(layout.data, 'PG_VERSION')))) !== undefined) {
    throw embeddedErrors.embedded_data_unusable(`${path} is missing or empty, but ${layout.data} needs it.`);
  }
  const password = randomBytes(24).toString('base64url');
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writePrivateFile(temporary, password);
  await rename(temporary, path);
  await syncFolder(layout.control);
  return password;
}
