import { createHash } from 'node:crypto';
import { readlink, symlink, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessErrno } from './errno.js';
import { answers, removeSocket } from './supervisor-socket.js';

/**
 * The address of a home's supervisor is a symbolic link to its socket, and the lock that there is only one:
 * - making a symbolic link is atomic, fails when the name is taken, and brings its content with it;
 * - every supervisor listens on a socket of its own before it takes the address, under a name never used again.
 *   So a holder lives if and only if its socket answers: the kernel says so, process ids are not involved.
 */
export function addressFileOf(control: string): string {
  return join(control, 'supervisor');
}

/** Path of the socket of whoever holds the address, living or dead. */
export async function readAddress(file: string): Promise<string | undefined> {
  return unlessErrno('ENOENT', readlink(file));
}

const retryMs = 20;

/**
 * Takes the address for `socket`, on which the caller listens. False when a living supervisor has it.
 *
 * A dead holder's link may be removed only by who holds the link's own marker, an address like this one, named
 * after the dead socket. Without it two could find the same dead link, and the slower one would remove the new
 * link of the faster. A remover that died is itself a dead holder, of the marker, and dealt with in the same way.
 */
export async function takeAddress(file: string, socket: string): Promise<boolean> {
  for (;;) {
    if (await claimed(file, socket)) return true;
    const holder = await readAddress(file);
    if (holder === undefined) continue;
    if (await answers(holder)) return false;
    const marker = `${file}.${createHash('sha256').update(holder).digest('hex').slice(0, 12)}`;
    if (await takeAddress(marker, socket)) await removeDead(file, holder, marker);
    else await sleep(retryMs);
  }
}

async function claimed(file: string, socket: string): Promise<boolean> {
  return (
    (await unlessErrno(
      'EEXIST',
      symlink(socket, file).then(() => true),
    )) ?? false
  );
}

async function removeDead(file: string, holder: string, marker: string): Promise<void> {
  try {
    if ((await readAddress(file)) !== holder) return;
    await removeSocket(holder, dirname(file));
    await unlink(file);
  } finally {
    await unlink(marker);
  }
}

/** Gives the address back. Ours stays ours while we live, so nothing can come between the look and the removal. */
export async function releaseAddress(file: string, socket: string): Promise<void> {
  if ((await readAddress(file)) === socket) await unlink(file);
}
