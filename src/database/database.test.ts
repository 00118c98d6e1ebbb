import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../foundation/logger.js';
import { Database } from './database.js';
import { Notifications } from './notifications.js';
import { createTestDatabase, type TestDatabase } from './testing/test-database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ migrate: false });
  await db.database.query('create table note (text text)');
});
afterAll(() => db.drop());

async function notes(): Promise<string[]> {
  const { rows } = await db.database.query<{ text: string }>('select text from note order by text');
  return rows.map(({ text }) => text);
}

describe('a database', () => {
  it('tells its version, and that no pooler stands before it', async () => {
    const server = await db.database.connect();
    expect(server.versionNumber).toBeGreaterThanOrEqual(140_000);
    expect(server.pooled).toBe(false);
  });

  it('prepares a statement once per connection', async () => {
    await db.database.transaction(async (tx) => {
      for (let n = 0; n < 3; n += 1) await tx.query('select $1::integer + 1 as n', [n]);
      const { rows } = await tx.query<{ n: number }>(
        `select count(*)::integer as n from pg_prepared_statements where statement = 'select $1::integer + 1 as n'`,
      );
      expect(rows).toEqual([{ n: 1 }]);
    });
  });

  it('keeps a transaction that resolves and undoes one that rejects', async () => {
    await db.database.transaction((tx) => tx.query('insert into note values ($1)', ['kept']));
    const undone = db.database.transaction(async (tx) => {
      await tx.query('insert into note values ($1)', ['undone']);
      await tx.query('select 1 / 0');
    });
    await expect(undone).rejects.toMatchObject({ code: '22012' });
    expect(await notes()).toEqual(['kept']);
  });

  it('ends a statement that takes too long, and stays usable', async () => {
    const hasty = new Database({
      ...db.connection,
      statementTimeoutMs: 100,
      poolSize: 2,
      logger: silentLogger,
    });
    await expect(hasty.query('select pg_sleep(30)')).rejects.toMatchObject({
      code: 'database_timeout',
      retryable: true,
    });
    expect((await hasty.query<{ n: number }>('select 1 as n')).rows).toEqual([{ n: 1 }]);
    await hasty.close();
    await hasty.close();
  });

  it('says typed that it is away', async () => {
    const url = new URL(db.url);
    url.port = '1';
    const away = new Database({ ...db.connection, url: url.toString(), poolSize: 2, logger: silentLogger });
    await expect(away.query('select 1')).rejects.toMatchObject({ code: 'database_unavailable', status: 503 });
    await away.close();
  });

  it('does not hand on a connection that broke in a transaction', async () => {
    const single = new Database({ ...db.connection, poolSize: 2, logger: silentLogger });
    const broken = single.transaction(async (tx) => {
      await tx.query('insert into note values ($1)', ['lost']);
      await tx.query('select pg_terminate_backend(pg_backend_pid())');
    });
    await expect(broken).rejects.toMatchObject({ code: 'database_unavailable' });
    expect((await single.query<{ n: number }>('select 1 as n')).rows).toEqual([{ n: 1 }]);
    expect(await notes()).toEqual(['kept']);
    await single.close();
  });

  it('says typed that a connection ended without a word, in a statement and in a transaction', async () => {
    const target = new URL(db.url);
    const sockets = new Set<Socket>();
    const proxy = createServer((socket) => {
      const onward = connect(Number(target.port), target.hostname);
      for (const end of [socket, onward]) {
        sockets.add(end);
        end.on('error', () => end.destroy());
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const url = new URL(db.url);
    url.port = String(port);
    const cut = new Database({ ...db.connection, url: url.toString(), poolSize: 2, logger: silentLogger });
    const cutAll = () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    };
    await cut.query('select 1');
    const statement = cut.query('select pg_sleep(30)');
    const transaction = cut.transaction(async (tx) => {
      await tx.query('insert into note values ($1)', ['lost']);
      cutAll();
      await tx.query('select 1');
    });
    await expect(statement).rejects.toMatchObject({ code: 'database_unavailable', retryable: true });
    await expect(transaction).rejects.toMatchObject({ code: 'database_unavailable', retryable: true });
    expect((await cut.query<{ n: number }>('select 1 as n')).rows).toEqual([{ n: 1 }]);
    await expect(cut.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    expect(await notes()).toEqual(['kept']);
    await cut.close();
    await new Promise((resolve) => proxy.close(resolve));
    // The server has not noticed that nobody waits for this one any more.
    await db.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(30)'`,
    );
  });

  it('refuses to wait for ever for a free connection', async () => {
    const narrow = new Database({
      ...db.connection,
      poolSize: 1,
      connectTimeoutMs: 100,
      logger: silentLogger,
    });
    await narrow.transaction(async () => {
      await expect(narrow.query('select 1')).rejects.toMatchObject({ code: 'database_unavailable' });
    });
    await narrow.close();
  });
});

describe('notifications', () => {
  it('arrive, and go on arriving after the connection was cut', async () => {
    const listening = { ...db.connection, applicationName: 'listener' };
    const notifications = new Notifications({ connection: listening, channel: 'test', logger: silentLogger });
    const heard: string[] = [];
    let tell: () => void = () => undefined;
    notifications.subscribe((payload) => {
      heard.push(payload);
      tell();
    });
    const hear = async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => (tell = resolve));
    };
    await notifications.start();
    await hear(1);
    expect(notifications.listening).toBe(true);
    await db.database.query(`select pg_notify('test', 'one')`);
    await hear(2);
    await db.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'`,
    );
    await hear(3);
    await db.database.query(`select pg_notify('test', 'two')`);
    await hear(4);
    await notifications.stop();
    await notifications.stop();
    // The empty ones say that something may have been missed.
    expect(heard).toEqual(['', 'one', '', 'two']);
  });
});
