import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdtemp, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errnoOf, unlessErrno } from './errno.js';

/** Start of the names of folders in the system's temporary folder that hold one socket each. */
const socketFolderPrefix = 'signalbox-postgres-';

/** sun_path holds 104 bytes on macOS, 108 on Linux, the ending zero included; longer names are cut or refused. */
const maxSocketPathBytes = 100;

const suffix = '.sock';

export interface Listening {
  readonly server: Server;
  readonly path: string;
}

/**
 * Listens on a socket with a name that was never used: in the control folder, or, where that path is too long
 * or its file system has no sockets, in a new private folder in the system's temporary folder.
 */
export async function listenPrivately(control: string): Promise<Listening> {
  const name = `${randomBytes(6).toString('hex')}${suffix}`;
  const atHome = join(control, name);
  if (Buffer.byteLength(atHome) <= maxSocketPathBytes) {
    try {
      return { server: await listen(atHome), path: atHome };
    } catch {
      // Some mounted file systems refuse sockets, each with an error of its own. If all is lost, the next attempt says why.
    }
  }
  const path = join(await mkdtemp(join(tmpdir(), socketFolderPrefix)), name);
  return { server: await listen(path), path };
}

async function listen(path: string): Promise<Server> {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  return server;
}

/**
 * Whether nobody but us can be behind the socket. In the temporary folder a stranger could take the place of a
 * folder that was cleaned away, and hand out a database of theirs.
 */
export async function isTrustedSocket(path: string, control: string): Promise<boolean> {
  const folder = dirname(path);
  if (folder === control) return true;
  try {
    const { uid, mode } = await stat(folder);
    return uid === process.geteuid?.() && (mode & 0o077) === 0;
  } catch {
    // Gone, or closed to us: then it is not ours to trust.
    return false;
  }
}

/**
 * Removes a socket, and its folder when it was made for it. Nothing else: the path was read from a folder that,
 * when we are root, another account owns.
 */
export async function removeSocket(path: string, control: string): Promise<void> {
  if (!(await isTrustedSocket(path, control))) return;
  const entry = await unlessErrno('ENOENT', lstat(path));
  if (entry?.isSocket()) await unlessErrno('ENOENT', unlink(path));
  if (dirname(path) === control || !basename(dirname(path)).startsWith(socketFolderPrefix)) return;
  await unlessErrno('ENOENT', rmdir(dirname(path)));
}

/** Between binding a socket and listening on it, it does not answer although its owner lives; so age must speak too. */
const sweepAgeMs = 10 * 60_000;

/** Removes the sockets of supervisors that were killed before they had the address, which nobody else would find. */
export async function sweepSockets(control: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(control)) {
    const path = join(control, name);
    if (!name.endsWith(suffix)) continue;
    const entry = await unlessErrno('ENOENT', lstat(path));
    if (!entry?.isSocket() || now - entry.mtimeMs < sweepAgeMs || (await answers(path))) continue;
    await unlessErrno('ENOENT', unlink(path));
  }
}

/** Whether somebody listens. What is neither yes nor no (no permission, say) counts as yes: it must not be removed. */
export function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      const code = errnoOf(error);
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT' && code !== 'ENOTSOCK');
    });
  });
}
