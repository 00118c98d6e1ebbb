import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileSources } from './testing/compiled.js';
import { ask, modeOf, Site, withClient } from './testing/site.js';

const compiled = await compileSources();
afterAll(() => compiled.remove());

describe('startEmbeddedPostgres', () => {
  it('gives a durable UTF-8 database that only this machine and only the password opens', async () => {
    const site = new Site(compiled);
    const user = site.user();
    const { url, joined } = await user.up();
    expect(joined).toBe(false);
    expect(url).toMatch(/^postgres:\/\/signalbox:[\w-]{32}@127\.0\.0\.1:\d+\/signalbox$/);
    const settings = await withClient(url, async (client) => {
      const { rows } = await client.query<Record<string, string>>(
        `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
          current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
          current_setting('listen_addresses') AS listen_addresses, current_setting('max_connections') AS max_connections,
          current_setting('password_encryption') AS password_encryption, lower('ÄÖ') AS lower,
          (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS collate,
          (SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user) AS superuser`,
      );
      return rows[0];
    });
    expect(settings).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
      password_encryption: 'scram-sha-256',
      lower: 'äö',
      collate: 'C',
      superuser: 'false',
    });

    const methods = readFileSync(join(site.data, 'pg_hba.conf'), 'utf8')
      .split('\n')
      .filter((line) => /^\w/.test(line))
      .map((line) => line.trim().split(/\s+/).at(-1));
    expect(new Set(methods)).toEqual(new Set(['scram-sha-256']));
    await expect(ask(url.replace(/:[\w-]+@/, ':wrong@'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
    for (const address of outerAddresses()) {
      await expect(ask(url.replace('127.0.0.1', address), 'SELECT 1')).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    }
    await user.stop();
  });

  it('keeps files closed, and secrets out of command lines, logs and the environment of children', async () => {
    const site = new Site(compiled);
    const user = site.user({ env: { OPENAI_API_KEY: 'do-not-pass-on', PGPASSWORD: 'neither' } });
    const { url } = await user.up();
    expect(modeOf(site.control)).toBe('700');
    expect(modeOf(site.data)).toBe('700');
    const { password, port } = new URL(url);
    expect(readFileSync(join(site.control, 'password'), 'utf8')).toBe(password);
    for (const name of ['password', 'supervisor.log', 'server.log'])
      expect(modeOf(join(site.control, name))).toBe('600');

    const words = [...site.supervisors(), ...site.servers()].flatMap(({ command }) => command).join(' ');
    expect(words).toContain(site.home);
    for (const secret of [password, port]) expect(words).not.toContain(secret);
    for (const { pid } of [...site.supervisors(), ...site.servers()]) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      expect(environment).toContain('PATH=');
      expect(environment).not.toMatch(/do-not-pass-on|neither/);
    }
    await user.stop();
    const supervisorLog = readFileSync(join(site.control, 'supervisor.log'), 'utf8');
    for (const secret of [password, `:${port}`]) expect(supervisorLog).not.toContain(secret);
    expect(readFileSync(join(site.control, 'server.log'), 'utf8')).not.toContain(password);
    expect(JSON.stringify(user.heard.filter(({ event }) => event === 'log'))).not.toContain(password);
  });

  it('is down when the last stop resolves, and finds its data again', async () => {
    const site = await Site.used(compiled);
    const first = site.user();
    const { url } = await first.up();
    await ask(url, 'CREATE TABLE kept AS SELECT 42 AS n');
    await first.stop();
    expect([...site.supervisors(), ...site.servers()]).toEqual([]);
    await first.stop();

    const second = site.user();
    expect(await ask((await second.up()).url, 'SELECT n FROM kept')).toBe(42);
    await second.stop();
  });

  it('lets a process end that forgets to stop, and stops after it', async () => {
    const site = await Site.used(compiled);
    const user = site.user();
    await user.up();
    user.process.stdin?.end();
    await expect(user.hear(() => false)).rejects.toThrow('the user ended');
    await site.quiet();
  });

  it('runs where the path is too long for a socket', async () => {
    const site = new Site(compiled);
    const home = join(site.home, 'a'.repeat(60), 'b'.repeat(60));
    const [one, two] = [site.user({ home }), site.user({ home })];
    expect((await one.up()).url).toBe((await two.up()).url);
    await one.stop();
    await two.stop();
  });
});

function outerAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}
