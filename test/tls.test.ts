import { execFileSync } from 'node:child_process';
import { appendFile, chown, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../src/database/database.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/database/embedded/embedded.js';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { silentLogger } from '../src/foundation/logger.js';

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    process.stderr.write('SKIPPED: openssl is not installed; `npm run test:packages` as root installs it\n');
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('TLS to the database', () => {
  let home: TemporaryHome;
  let server: EmbeddedPostgres;
  let certificate: string;

  beforeAll(async () => {
    home = await temporaryHome();
    server = await startEmbeddedPostgres({ home: home.path, logger: silentLogger });
    const database = open('');
    const { rows } = await database.query<{ folder: string }>(
      `select current_setting('data_directory') as folder`,
    );
    const folder = rows[0]?.folder ?? '';
    certificate = join(folder, 'server.crt');
    const key = join(folder, 'server.key');
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        certificate,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const { uid, gid } = await stat(folder);
    for (const file of [key, certificate]) await chown(file, uid, gid);
    await appendFile(join(folder, 'postgresql.auto.conf'), 'ssl = on\n');
    const [pid = ''] = (await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n');
    process.kill(Number(pid), 'SIGHUP');
    await until(database, `select current_setting('ssl') = 'on' as done`);
    await database.close();
  });
  afterAll(async () => {
    await server?.stop();
    await home?.remove();
  });

  function open(query: string): Database {
    return new Database({
      url: `${server.url}${query}`,
      applicationName: 'signalbox-tls',
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 5_000,
      poolSize: 2,
      logger: silentLogger,
    });
  }

  async function until(database: Database, sql: string): Promise<void> {
    while (!(await database.query<{ done: boolean }>(sql)).rows[0]?.done)
      await database.query('select pg_sleep(0.02)');
  }

  async function encrypted(query: string): Promise<boolean> {
    const database = open(query);
    try {
      const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
      return (await database.query<{ ssl: boolean }>(sql)).rows[0]?.ssl ?? false;
    } finally {
      await database.close();
    }
  }

  it('is as the URL says: none, encrypted without a check, checked', async () => {
    expect(await encrypted('?sslmode=disable')).toBe(false);
    expect(await encrypted('?sslmode=require')).toBe(true);
    expect(await encrypted(`?sslmode=verify-full&sslrootcert=${certificate}`)).toBe(true);
  });

  it('refuses a certificate that it cannot check when the URL says to', async () => {
    await expect(encrypted('?sslmode=verify-full')).rejects.toMatchObject({ code: 'database_unavailable' });
  });
});
