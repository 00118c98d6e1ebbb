import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { childEnvironment } from './environment.js';
import { unlessErrno } from './errno.js';
import { embeddedErrors } from './errors.js';
import type { Layout } from './layout.js';
import { syncFolder } from './native-copy.js';
import type { NativeTools } from './native-tools.js';
import { writePrivateFile } from './private-file.js';
import { credentialsOf } from './server-account.js';

/** The superuser: for the supervisor only. Signalbox itself connects with an ordinary role. */
export const superuser = 'postgres';

const unfinished = 'initdb-';

/**
 * Makes the data folder unless it is there. It is built under another name and renamed when complete, so that
 * a crash in between leaves rubbish to remove, never half a cluster.
 * @throws embedded_data_unusable when the folder is of another major version; embedded_start_failed
 */
export async function ensureCluster(
  layout: Layout,
  tools: NativeTools,
  options: { password: string; majorVersion: string; logger: Logger; signal: AbortSignal },
): Promise<void> {
  const version = (await unlessErrno('ENOENT', readFile(join(layout.data, 'PG_VERSION'), 'utf8')))?.trim();
  if (version === options.majorVersion) return;
  if (version !== undefined) {
    throw embeddedErrors.embedded_data_unusable(
      `${layout.data} was made by PostgreSQL ${version}; this Signalbox brings PostgreSQL ${options.majorVersion}. ` +
        'See docs/embedded-postgresql.md, "Another major version".',
    );
  }
  await removeUnfinished(layout.base);
  const name = join(layout.base, `${unfinished}${randomBytes(6).toString('hex')}`);
  try {
    await writePrivateFile(`${name}.password`, options.password, layout.account);
    await initdb(layout, tools, name, options.signal);
  } finally {
    await rm(`${name}.password`, { force: true });
  }
  await rename(name, layout.data);
  await syncFolder(layout.base);
  options.logger.info({ data: layout.data }, 'data folder made');
}

async function initdb(layout: Layout, tools: NativeTools, name: string, signal: AbortSignal): Promise<void> {
  const args = [
    `--pgdata=${name}`,
    `--username=${superuser}`,
    `--pwfile=${name}.password`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
  const options = {
    ...credentialsOf(layout.account),
    cwd: layout.base,
    env: childEnvironment({ LC_ALL: 'C' }),
    signal,
  };
  try {
    await promisify(execFile)(tools.initdb, args, options);
  } catch (cause) {
    signal.throwIfAborted();
    throw embeddedErrors.embedded_start_failed(`initdb failed: ${messageOf(cause)}`, { cause });
  }
}

/** An `initdb` whose supervisor was killed may still be writing; what it keeps from us goes at the next start. */
async function removeUnfinished(base: string): Promise<void> {
  for (const entry of await readdir(base)) {
    if (!entry.startsWith(unfinished)) continue;
    await unlessErrno('ENOTEMPTY', rm(join(base, entry), { recursive: true, force: true }));
  }
}
