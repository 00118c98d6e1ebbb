import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unlessErrno } from './errno.js';
import { embeddedErrors } from './errors.js';

/** The operating system account that runs the server in our place when we are root. */
export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const preferred = ['postgres', '_postgres', 'nobody'];

export function runsAsRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** For `spawn`: empty when the server runs as ourselves. */
export function credentialsOf(account: ServerAccount | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/**
 * Who runs the server when we are root, as which PostgreSQL refuses to run: the owner of `data` where that
 * exists and is not root (an ordinary user's data must stay theirs), else `postgres`, else `nobody`.
 * @throws embedded_account_missing
 */
export async function chooseAccount(data: string, passwd = '/etc/passwd'): Promise<ServerAccount> {
  const owner = await unlessErrno('ENOENT', stat(data));
  if (owner !== undefined && owner.uid !== 0)
    return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  const accounts = parsePasswd(await readFile(passwd, 'utf8'));
  for (const name of preferred) {
    const account = accounts.find((each) => each.name === name);
    if (account !== undefined && account.uid !== 0) return account;
  }
  throw embeddedErrors.embedded_account_missing(
    `We are root, and ${passwd} has none of ${preferred.join(', ')}. Add such a user, or start as another one.`,
  );
}

function parsePasswd(text: string): ServerAccount[] {
  const accounts: ServerAccount[] = [];
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (!name || !/^-?\d+$/.test(uid ?? '') || !/^-?\d+$/.test(gid ?? '')) continue;
    // macOS writes nobody as -2; the system call takes it unsigned.
    accounts.push({ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 });
  }
  return accounts;
}

/**
 * Whether the account can walk down to `folder`. Reads permission bits only: an access control list that grants
 * more is not seen, which costs a detour to another folder and never a failure.
 */
export async function canReach(folder: string, account: ServerAccount): Promise<boolean> {
  for (let path = await realpath(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dirname(path) === path) return true;
  }
}
