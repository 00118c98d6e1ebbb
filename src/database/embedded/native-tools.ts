import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../foundation/errors.js';
import { childEnvironment } from './environment.js';
import { embeddedErrors } from './errors.js';
import { copyNativeFiles } from './native-copy.js';
import { completeNativeFiles } from './native-links.js';
import type { NativePackage } from './native-package.js';
import { credentialsOf, type ServerAccount } from './server-account.js';

/** Absolute paths of programs that the server's account can run. */
export interface NativeTools {
  readonly postgres: string;
  readonly initdb: string;
}

const probeTimeoutMs = 15_000;

/**
 * The package's programs where they are, when the account can run them there; else in a copy below `copies`.
 * Whether it can is found by running one: that sees permissions, `noexec`, missing libraries and a foreign libc.
 * @throws embedded_binaries_unusable
 */
export async function prepareNativeTools(
  pkg: NativePackage,
  account: ServerAccount | undefined,
  copies: string,
): Promise<NativeTools> {
  const inPlace = toolsIn(pkg.root);
  if ((await completeNativeFiles(pkg.root)) && (await problemOf(inPlace, account)) === undefined)
    return inPlace;
  const copied = toolsIn(await copyNativeFiles(pkg, copies));
  const problem = await problemOf(copied, account);
  if (problem === undefined) return copied;
  throw embeddedErrors.embedded_binaries_unusable(
    `${copied.postgres} does not run${account ? ` as ${account.name}` : ''}: ${messageOf(problem)} ` +
      '(the binaries need glibc and a folder that allows execution). Set DATABASE_URL to a server of your own.',
    { cause: problem },
  );
}

function toolsIn(root: string): NativeTools {
  const folder = join(root, 'native', 'bin');
  return { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') };
}

async function problemOf(tools: NativeTools, account: ServerAccount | undefined): Promise<unknown> {
  const options = { ...credentialsOf(account), cwd: '/', env: childEnvironment(), timeout: probeTimeoutMs };
  try {
    await promisify(execFile)(tools.postgres, ['--version'], options);
    await promisify(execFile)(tools.initdb, ['--version'], options);
    return undefined;
  } catch (error) {
    return error;
  }
}
