import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { boundLog, logTail } from './bounded-log.js';
import { settleLayout } from './layout.js';
import { canReach, chooseAccount } from './server-account.js';

const isRoot = process.geteuid?.() === 0;
const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 };

function temporaryFolder(mode = 0o755): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
  chmodSync(folder, mode);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A home that the server's account cannot reach, and a folder outside for its data. */
function closedHome(): { parent: string; home: string; outside: string } {
  const parent = temporaryFolder(0o700);
  const home = join(parent, 'home');
  mkdirSync(home);
  return { parent, home, outside: join(temporaryFolder(), 'outside') };
}

describe.skipIf(!isRoot)('settleLayout for a home that the server cannot reach', () => {
  it('comes to the same folder again, with data and without', async () => {
    const { home, outside } = closedHome();
    const { base, data } = await settleLayout(home, outside);
    expect(base.startsWith(`${outside}/`)).toBe(true);
    expect((await settleLayout(home, outside)).base).toBe(base);
    rmSync(join(home, 'postgres'), { recursive: true });
    expect((await settleLayout(home, outside)).base).toBe(base);
    mkdirSync(data);
    expect((await settleLayout(home, outside)).base).toBe(base);
  });

  it('starts empty in a new home of an old name, and leaves the old data alone', async () => {
    const { home, outside } = closedHome();
    const { base, data } = await settleLayout(home, outside);
    mkdirSync(data);
    rmSync(home, { recursive: true });
    mkdirSync(home);
    expect((await settleLayout(home, outside)).base).toBe(`${base}-2`);
  });

  it('follows a home that was moved, and refuses one that was copied', async () => {
    const { parent, home, outside } = closedHome();
    const { base } = await settleLayout(home, outside);
    const moved = join(parent, 'moved');
    renameSync(home, moved);
    expect((await settleLayout(moved, outside)).base).toBe(base);
    const copied = join(parent, 'copied');
    cpSync(moved, copied, { recursive: true, verbatimSymlinks: true });
    await expect(settleLayout(copied, outside)).rejects.toMatchObject({ code: 'embedded_data_unusable' });
  });

  it('refuses data that came out of reach, and a pointer to nothing', async () => {
    const { home, outside } = closedHome();
    mkdirSync(join(home, 'postgres', 'data'), { recursive: true });
    await expect(settleLayout(home, outside)).rejects.toMatchObject({ code: 'embedded_data_unusable' });
    rmSync(join(home, 'postgres', 'data'), { recursive: true });
    const { base } = await settleLayout(home, outside);
    rmSync(base, { recursive: true });
    await expect(settleLayout(home, outside)).rejects.toThrow(/is not there/);
  });
});

describe('the account of the server', () => {
  it('is postgres, else nobody, else an error', async () => {
    const passwd = join(temporaryFolder(), 'passwd');
    const accountWith = (text: string) => {
      writeFileSync(passwd, text);
      return chooseAccount('/nonexistent', passwd);
    };
    const lines = [
      'root:x:0:0::/root:/bin/sh',
      'nobody:*:-2:-2::/:/bin/false',
      'postgres:x:101:104::/:/bin/sh',
    ];
    expect(await accountWith(lines.join('\n'))).toEqual({ name: 'postgres', uid: 101, gid: 104 });
    expect(await accountWith(lines.slice(0, 2).join('\n'))).toMatchObject({
      name: 'nobody',
      uid: 4_294_967_294,
    });
    await expect(accountWith(lines[0] ?? '')).rejects.toMatchObject({ code: 'embedded_account_missing' });
  });

  it.skipIf(!isRoot)('reaches what all folders above let it pass to', async () => {
    const folder = temporaryFolder();
    const inner = join(folder, 'inner');
    mkdirSync(inner, { mode: 0o711 });
    expect(await canReach(inner, stranger)).toBe(true);
    chmodSync(folder, 0o750);
    expect(await canReach(inner, stranger)).toBe(false);
    expect(await canReach(inner, { ...stranger, gid: 0 })).toBe(true);
  });
});

describe('a bounded log', () => {
  it('is moved aside when it has outgrown its limit, and its writer goes on', async () => {
    const path = join(temporaryFolder(), 'x.log');
    writeFileSync(path, 'old\n');
    await boundLog(path, 10);
    expect(readFileSync(path, 'utf8')).toBe('old\n');
    writeFileSync(path, 'much that is old\n');
    await boundLog(path, 10);
    writeFileSync(path, 'again much\n', { flag: 'a' });
    await boundLog(path, 10);
    expect([readFileSync(path, 'utf8'), readFileSync(`${path}.1`, 'utf8')]).toEqual(['', 'again much\n']);
  });

  it('gives its end since a point', async () => {
    const path = join(temporaryFolder(), 'x.log');
    expect(await logTail(path)).toBe('');
    writeFileSync(path, 'one two three');
    expect([await logTail(path, 4), await logTail(path, 0, 5), await logTail(path, 99)]).toEqual([
      'two three',
      'three',
      'one two three',
    ]);
  });
});
