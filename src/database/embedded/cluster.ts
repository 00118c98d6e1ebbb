import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../foundation/logger.js';
import { runToEnd } from './child-run.js';
import { unlessErrno } from './errno.js';
import { embeddedErrors } from './errors.js';
import type { Layout } from './layout.js';
import { syncFolder } from './native-copy.js';
import type { NativeTools } from './native-tools.js';
import { writePrivateFile } from './private-file.js';

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
  await removeUnfinished(layout.base);
  const version = (await unlessErrno('ENOENT', readFile(join(layout.data, 'PG_VERSION'), 'utf8')))?.trim();
  if (version === options.majorVersion) return;
  if (version !== undefined) {
    throw embeddedErrors.embedded_data_unusable(
      `${layout.data} was made by PostgreSQL ${version}; this Signalbox brings PostgreSQL ${options.majorVersion}. ` +
        'See docs/embedded-postgresql.md, "Another major version".',
    );
  }
  const name = join(layout.base, `${unfinished}${randomBytes(6).toString('hex')}`);
  try {
    await writePrivateFile(`${name}.password`, options.password, layout.account);
    await initdb(layout, tools, name, options.signal);
  } finally {
    await rm(`${name}.password`, { force: true });
    if (options.signal.aborted) await rm(name, { recursive: true, force: true });
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
  const run = { account: layout.account, cwd: layout.base, signal };
  const { succeeded, output } = await runToEnd(tools.initdb, args, run);
  signal.throwIfAborted();
  if (!succeeded) throw embeddedErrors.embedded_start_failed(`initdb failed: ${output}`);
}

/** An `initdb` whose supervisor was killed may still be writing; what it keeps from us goes at the next start. */
async function removeUnfinished(base: string): Promise<void> {
  for (const entry of await readdir(base)) {
    if (!entry.startsWith(unfinished)) continue;
    await unlessErrno('ENOTEMPTY', rm(join(base, entry), { recursive: true, force: true }));
  }
}
