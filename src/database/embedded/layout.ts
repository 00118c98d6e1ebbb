import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readlink, rename, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessErrno } from './errno.js';
import { embeddedErrors } from './errors.js';
import { ensurePrivateFolder, readPrivateFile, writePrivateFile } from './private-file.js';
import { canReach, chooseAccount, runsAsRoot, type ServerAccount } from './server-account.js';

/** Where everything of one home's server is, and who runs it. */
export interface Layout {
  readonly home: string;
  /** `<home>/postgres`: password, address of the supervisor, its log. */
  readonly control: string;
  /** Folder of the server's account. It holds `data`, and is `control` itself unless root had to go elsewhere. */
  readonly base: string;
  readonly data: string;
  readonly serverLog: string;
  /** Below it a copy of the binaries is made when one is needed. */
  readonly copies: string;
  /** `undefined`: the server runs as ourselves. */
  readonly account: ServerAccount | undefined;
}

/** Where root puts data and binaries that the server's account could not reach at home. */
export const systemFolder = '/var/lib/signalbox';

export function controlFolderOf(home: string): string {
  return join(home, 'postgres');
}

/**
 * Decides and makes the folders. Only the supervisor calls it, alone.
 * @throws embedded_account_missing, embedded_data_unusable
 */
export async function settleLayout(home: string, outside = systemFolder): Promise<Layout> {
  const control = controlFolderOf(home);
  await ensurePrivateFolder(control);
  if (!runsAsRoot()) return layoutOf(home, await pointedBase(home), control, undefined);
  const account = await chooseAccount(join(control, 'data'));
  const base = (await pointedBase(home)) ?? (await baseForRoot(home, account, outside));
  await ensurePrivateFolder(base ?? control, account);
  return layoutOf(home, base, outside, account);
}

function layoutOf(
  home: string,
  base: string | undefined,
  copies: string,
  account: ServerAccount | undefined,
): Layout {
  const control = controlFolderOf(home);
  const folder = base ?? control;
  const [data, serverLog] = [join(folder, 'data'), join(folder, 'server.log')];
  return Object.freeze({ home, control, base: folder, data, serverLog, copies, account });
}

/** The folder outside home to which `<home>/postgres/data` points, if it is a pointer. */
async function pointedBase(home: string): Promise<string | undefined> {
  const pointer = join(controlFolderOf(home), 'data');
  const entry = await unlessErrno('ENOENT', lstat(pointer));
  if (!entry?.isSymbolicLink()) return undefined;
  const target = await readlink(pointer);
  const base = dirname(target);
  if (basename(target) !== 'data' || (await unlessErrno('ENOENT', lstat(base))) === undefined) {
    throw embeddedErrors.embedded_data_unusable(`${pointer} points to ${target}, which is not there.`);
  }
  await claim(base, home);
  return base;
}

/** A home that was copied with its pointer must not start a second server on the first one's data. */
async function claim(base: string, home: string): Promise<void> {
  const record = join(base, 'home');
  const owner = await readPrivateFile(record);
  if (owner === undefined || owner === home) return;
  const pointer = join(controlFolderOf(owner), 'data');
  const pointsTo = await readlink(pointer).catch(() => undefined);
  if (pointsTo !== undefined && dirname(pointsTo) === base) {
    throw embeddedErrors.embedded_data_unusable(
      `${base} holds the data of ${owner}; ${home} looks like a copy of it. Remove ${join(controlFolderOf(home), 'data')} to start empty.`,
    );
  }
  await writePrivateFile(`${record}.new`, home);
  await rename(`${record}.new`, record);
}

/** `undefined`: home itself will do. */
async function baseForRoot(
  home: string,
  account: ServerAccount,
  outside: string,
): Promise<string | undefined> {
  if (await canReach(home, account)) return undefined;
  const data = join(controlFolderOf(home), 'data');
  if ((await unlessErrno('ENOENT', lstat(data))) !== undefined) {
    throw embeddedErrors.embedded_data_unusable(
      `${account.name}, who runs the server because root may not, cannot reach ${data}. Let it pass through the folders above (chmod o+x).`,
    );
  }
  await mkdir(outside, { recursive: true });
  await chmod(outside, 0o755);
  const base = await newBase(home, outside);
  await symlink(join(base, 'data'), data);
  return base;
}

/** Data that an earlier home of the same path left behind is left alone: the next free name is taken. */
async function newBase(home: string, outside: string): Promise<string> {
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12);
  for (let count = 1; ; count += 1) {
    const base = join(outside, count === 1 ? name : `${name}-${count}`);
    const taken =
      (await unlessErrno(
        'EEXIST',
        mkdir(base, { mode: 0o700 }).then(() => true),
      )) === undefined;
    if (!taken) await writePrivateFile(join(base, 'home'), home);
    if (!taken || (await isLeftover(base, home))) return base;
  }
}

/** Made for this home by a start that broke off before the data. */
async function isLeftover(base: string, home: string): Promise<boolean> {
  if ((await readPrivateFile(join(base, 'home'))) !== home) return false;
  return (await unlessErrno('ENOENT', lstat(join(base, 'data')))) === undefined;
}
