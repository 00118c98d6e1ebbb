import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { compileSources } from './testing/compiled.js';
import { ask, Site, until, withClient } from './testing/site.js';

const compiled = await compileSources();
afterAll(() => compiled.remove());

const inserted = 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS n';

describe('after kill -9', () => {
  it('recovers when everything died at once, with every committed row, again and again', async () => {
    const site = await Site.used(compiled);
    for (let round = 0; round < 2; round += 1) {
      const user = site.user();
      const { url } = await user.up();
      if (round === 0) await ask(url, 'CREATE TABLE rounds (n int)');
      expect(await ask(url, 'SELECT count(*)::int FROM rounds')).toBe(round);
      await ask(url, `INSERT INTO rounds VALUES (${round})`);
      for (const { pid } of site.supervisors()) process.kill(pid, 'SIGKILL');
      for (const pid of site.serverFamily()) process.kill(pid, 'SIGKILL');
      await user.kill();
      await site.quiet();
    }
    const user = site.user();
    expect(await ask((await user.up()).url, 'SELECT count(*)::int FROM rounds')).toBe(2);
    expect(readFileSync(join(site.control, 'server.log'), 'utf8')).toContain('automatic recovery');
    await user.stop();
    expect(
      readdirSync(site.control)
        .filter((name) => name.endsWith('.sock') || name.startsWith('supervisor.'))
        .sort(),
    ).toEqual(['supervisor.log']);
  });

  it('does not break a connection when the supervisor dies: another takes the server over', async () => {
    const site = await Site.used(compiled);
    const [one, two] = [site.user(), site.user()];
    const { url } = await one.up();
    await two.up();
    await withClient(url, async (client) => {
      await client.query('BEGIN');
      await client.query(inserted);
      const [server, [supervisor]] = [site.servers(), site.supervisors()];
      process.kill(supervisor?.pid ?? 0, 'SIGKILL');
      for (const user of [one, two]) {
        await user.hear(({ message }) => message?.endsWith('is supervised again') ?? false);
      }
      expect(site.servers()).toEqual(server);
      await until(() => site.supervisors().length === 1, 'one supervisor');
      await client.query('COMMIT');
    });
    const third = site.user();
    expect(await third.up()).toEqual({ url, joined: true });
    await Promise.all([one.stop(), two.stop(), third.stop()]);
    expect([...site.supervisors(), ...site.servers()]).toEqual([]);
  });

  it('takes over a server whose supervisor and users all died, and stops it', async () => {
    const site = await Site.used(compiled);
    const user = site.user();
    const { url } = await user.up();
    for (const { pid } of site.supervisors()) process.kill(pid, 'SIGKILL');
    await user.kill();
    const next = site.user();
    expect(await next.up()).toEqual({ url, joined: true });
    await next.stop();
    expect(site.servers()).toEqual([]);
  });

  // After an immediate shutdown (SIGQUIT) PostgreSQL has removed the file that names its port.
  it.each(['SIGKILL', 'SIGQUIT'] as const)(
    'brings a server that died by %s back at the same address, while its users live',
    async (signal) => {
      const site = await Site.used(compiled);
      const user = site.user();
      const { url } = await user.up();
      await ask(url, inserted);
      const [server] = site.servers();
      process.kill(server?.pid ?? 0, signal);
      await user.hear(({ message }) => message?.endsWith('is supervised again') ?? false);
      expect(await ask(url, 'SELECT count(*)::int FROM t')).toBe(1000);
      expect(site.servers()).not.toEqual([server]);
      await user.stop();
      await site.quiet();
    },
  );

  it('does not wait for the long statement of a server that died', async () => {
    const site = await Site.used(compiled);
    const user = site.user();
    const { url } = await user.up();
    await withClient(url, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const long = client
        .query('SELECT count(*) FROM generate_series(1, 1000000000000) AS busy')
        .catch(() => undefined);
      const asked = `SELECT count(*)::int FROM pg_stat_activity WHERE pid = ${rows[0]?.pid} AND query LIKE '%busy%' AND wait_event IS NULL`;
      await until(async () => (await ask(url, asked)) === 1, 'the statement to run');
      process.kill(site.servers()[0]?.pid ?? 0, 'SIGKILL');
      await user.hear(({ message }) => message?.endsWith('is supervised again') ?? false);
      expect(await ask(url, 'SELECT 1')).toBe(1);
      await long;
    });
    await user.stop();
  });

  it('starts although strangers have the old process id and the old port now', async () => {
    const site = await Site.used(compiled);
    const user = site.user();
    const { url } = await user.up();
    await ask(url, inserted);
    const file = join(site.data, 'postmaster.pid');
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const { pid } of site.supervisors()) process.kill(pid, 'SIGKILL');
    for (const pid of site.serverFamily()) process.kill(pid, 'SIGKILL');
    await user.kill();
    await site.quiet();
    writeFileSync(file, [String(process.pid), ...lines.slice(1)].join('\n'));
    const squatter = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    const next = site.user();
    const { url: other } = await next.up();
    expect(new URL(other).port).not.toBe(new URL(url).port);
    expect(await ask(other, 'SELECT count(*)::int FROM t')).toBe(1000);
    await next.stop();
  });

  it('removes what an initdb that was killed has left, and makes the data anew', async () => {
    const site = new Site(compiled);
    const user = site.user();
    const leftovers = () => readdirSync(site.control).filter((name) => name.startsWith('initdb-'));
    await until(() => site.supervisors().length === 1 && leftovers().length > 0, 'initdb');
    for (const { pid } of site.supervisors()) process.kill(pid, 'SIGKILL');
    // The user lives and starts the next supervisor by itself.
    expect(await ask((await user.up()).url, 'SELECT 1')).toBe(1);
    await user.stop();
    const next = site.user();
    await next.up();
    await next.stop();
    expect(leftovers()).toEqual([]);
  });
});
