import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileSources } from './testing/compiled.js';
import { ask, Site, until, withClient } from './testing/site.js';

const compiled = await compileSources();
afterAll(() => compiled.remove());

describe('several processes on one home', () => {
  it('gives ten that start at once the same server, made once', async () => {
    const site = new Site(compiled);
    const users = Array.from({ length: 10 }, () => site.user());
    const ups = await Promise.all(users.map((user) => user.up()));
    expect(new Set(ups.map(({ url }) => url)).size).toBe(1);
    expect(ups.filter(({ joined }) => !joined)).toHaveLength(1);
    expect(site.servers()).toHaveLength(1);
    await until(() => site.supervisors().length === 1, 'the supervisors that came second to end');
    expect(logged(site, 'data folder made')).toBe(1);
    // The users are told before the log is.
    await until(() => logged(site, 'the server is ready') > 0, 'the line of the server that is ready');
    expect(logged(site, 'the server is ready')).toBe(1);
    await Promise.all(ups.map(({ url }) => ask(url, 'SELECT 1')));

    // All at once again: exactly the last of them waits for the end.
    await Promise.all(users.map((user) => user.stop()));
    expect([...site.supervisors(), ...site.servers()]).toEqual([]);
  });

  it('lives on when the process that started it is killed, and ends with the last, killed too', async () => {
    const site = await Site.used(compiled);
    const starter = site.user();
    await starter.up();
    const second = site.user();
    const { url, joined } = await second.up();
    expect(joined).toBe(true);
    await withClient(url, async (client) => {
      await client.query('CREATE TABLE t (n int)');
      const [server] = site.servers();
      for (const { pid } of site.supervisors()) {
        for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.kill(pid, name);
      }
      await starter.kill();
      await client.query('INSERT INTO t VALUES (1)');
      expect(site.servers()).toEqual([server]);
    });
    const third = site.user();
    expect((await third.up()).url).toBe(url);
    await second.stop();
    expect(site.servers()).toHaveLength(1);
    await third.kill();
    await site.quiet();

    // Stopped in order, although its last user was killed: there is nothing to recover.
    const later = site.user();
    expect(await ask((await later.up()).url, 'SELECT count(*)::int FROM t')).toBe(1);
    expect(readFileSync(join(site.control, 'server.log'), 'utf8')).not.toContain('automatic recovery');
    await later.stop();
  });

  it('serves who comes while the server stops', async () => {
    const site = await Site.used(compiled);
    let user = site.user();
    await user.up();
    for (let round = 0; round < 2; round += 1) {
      const next = site.user();
      await Promise.all([user.stop(), next.up()]);
      expect(await ask((await next.up()).url, 'SELECT 1')).toBe(1);
      user = next;
    }
    await user.stop();
    await site.quiet();
  });

  it('stops what nobody waits for: killed while it starts', async () => {
    const site = new Site(compiled);
    const user = site.user();
    await until(() => initialising(site), 'initdb');
    await user.kill();
    await site.quiet();
    const next = site.user();
    await next.up();
    await next.stop();
  });
});

function logged(site: Site, message: string): number {
  const lines = readFileSync(join(site.control, 'supervisor.log'), 'utf8').split('\n');
  return lines.filter((line) => line.includes(`"${message}"`)).length;
}

function initialising(site: Site): boolean {
  return existsSync(site.control) && readdirSync(site.control).some((name) => name.startsWith('initdb-'));
}
