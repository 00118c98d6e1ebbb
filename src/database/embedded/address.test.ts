import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addressFileOf, releaseAddress, takeAddress } from './address.js';
import { isTrustedSocket, listenPrivately, sweepSockets } from './supervisor-socket.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listening(control: string): Promise<string> {
  const { server, path } = await listenPrivately(control);
  onTestFinished(() => void server.close());
  return path;
}

/** A socket file with nobody behind it, as kill -9 leaves it. */
async function deadSocket(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const server: Server = createServer().listen(`${path}.live`);
  await once(server, 'listening');
  linkSync(`${path}.live`, path);
  server.close();
  await once(server, 'close');
  return path;
}

describe('takeAddress', () => {
  it('gives a free address to one of many', async () => {
    const control = temporaryFolder();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => listening(control)));
    const file = addressFileOf(control);
    const took = await Promise.all(sockets.map((socket) => takeAddress(file, socket)));
    expect(took.filter(Boolean)).toHaveLength(1);
    expect(readlinkSync(file)).toBe(sockets[took.indexOf(true)]);
  });

  it('gives the address of a dead holder to one of many, each time', async () => {
    const control = temporaryFolder();
    const file = addressFileOf(control);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => listening(control)));
    for (let round = 0; round < 15; round += 1) {
      const dead = await deadSocket(control, `dead-${round}.sock`);
      symlinkSync(dead, file);
      const took = await Promise.all(sockets.map((socket) => takeAddress(file, socket)));
      expect(took.filter(Boolean)).toHaveLength(1);
      expect(existsSync(dead)).toBe(false);
      await releaseAddress(file, sockets[took.indexOf(true)] ?? '');
      expect(readdirSync(control).filter((name) => name.startsWith('supervisor'))).toEqual([]);
    }
  });

  it('gets past a remover that died at its work', async () => {
    const control = temporaryFolder();
    const file = addressFileOf(control);
    const [holder, remover] = [
      await deadSocket(control, 'holder.sock'),
      await deadSocket(control, 'remover.sock'),
    ];
    symlinkSync(holder, file);
    symlinkSync(remover, `${file}.${createHash('sha256').update(holder).digest('hex').slice(0, 12)}`);
    const sockets = await Promise.all(Array.from({ length: 8 }, () => listening(control)));
    const took = await Promise.all(sockets.map((socket) => takeAddress(file, socket)));
    expect(took.filter(Boolean)).toHaveLength(1);
    expect(readdirSync(control).filter((name) => name.startsWith('supervisor'))).toEqual(['supervisor']);
  });

  it('releases only what is held', async () => {
    const control = temporaryFolder();
    const [one, two] = [await listening(control), await listening(control)];
    const file = addressFileOf(control);
    await takeAddress(file, one);
    await releaseAddress(file, two);
    expect(readlinkSync(file)).toBe(one);
    await releaseAddress(file, one);
    await releaseAddress(file, one);
    expect(existsSync(file)).toBe(false);
  });
});

describe('isTrustedSocket', () => {
  it('trusts the control folder and private folders of ours, not those that others may write', () => {
    const folder = temporaryFolder();
    const shared = join(folder, 'shared');
    mkdirSync(shared, { mode: 0o755 });
    return expect(
      Promise.all([
        isTrustedSocket(join(folder, 'a.sock'), folder),
        isTrustedSocket(join(folder, 'a.sock'), '/elsewhere'),
        isTrustedSocket(join(shared, 'a.sock'), folder),
        isTrustedSocket('/gone/a.sock', folder),
      ]),
    ).resolves.toEqual([true, true, false, false]);
  });
});

describe('sweepSockets', () => {
  it('removes what is dead and old, and nothing that lives or may be coming to life', async () => {
    const control = temporaryFolder();
    await deadSocket(control, 'dead.sock');
    const living = await listening(control);
    writeFileSync(join(control, 'file.sock'), '');
    await sweepSockets(control);
    expect(readdirSync(control)).toHaveLength(3);
    await sweepSockets(control, Date.now() + 3_600_000);
    expect(readdirSync(control).sort()).toEqual([basename(living), 'file.sock'].sort());
  });
});
