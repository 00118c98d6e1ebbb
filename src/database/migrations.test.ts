import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../foundation/logger.js';
import { assertSchemaFits, migrateDown, migrateUp, migrationStatus } from './migrations.js';
import { dumpSchema } from './schema-dump.js';
import { allMigrations, createTestDatabase, type TestDatabase } from './testing/test-database.js';

let db: TestDatabase;
let folder: string;
beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  folder = await mkdtemp(join(tmpdir(), 'signalbox-migrations-'));
});
afterEach(async () => {
  await db.drop();
  await rm(folder, { recursive: true });
});

async function write(name: string, up: string, down = ''): Promise<void> {
  await writeFile(join(folder, `${name}.sql`), `-- Up Migration\n${up}\n-- Down Migration\n${down}\n`);
}

function options(folders: readonly string[] = [folder]) {
  return { connection: db.connection, folders, logger: silentLogger };
}

const one = '20300101000000_one';
const two = '20300102000000_two';

describe('migrations', () => {
  it('run in order, once, and are undone in reverse', async () => {
    await write(
      two,
      'alter table signalbox.a add column b integer;',
      'alter table signalbox.a drop column b;',
    );
    await write(one, 'create table signalbox.a (id integer);', 'drop table signalbox.a;');
    expect(await migrationStatus(db.database, [folder])).toEqual({
      applied: [],
      pending: [one, two],
      unknown: [],
    });
    await expect(assertSchemaFits(db.database, [folder])).rejects.toMatchObject({ code: 'schema_outdated' });
    expect(await migrateUp(options())).toEqual([one, two]);
    expect(await migrateUp(options())).toEqual([]);
    await assertSchemaFits(db.database, [folder]);
    expect(await migrateDown(options(), 1)).toEqual([two]);
    expect(await migrationStatus(db.database, [folder])).toEqual({
      applied: [one],
      pending: [two],
      unknown: [],
    });
  });

  it('are all undone when one fails', async () => {
    await write(one, 'create table signalbox.a (id integer);');
    await write(two, 'this is not SQL;');
    await expect(migrateUp(options())).rejects.toMatchObject({ code: 'migration_failed' });
    expect((await migrationStatus(db.database, [folder])).applied).toEqual([]);
    const { rows } = await db.database.query<{ a: string | null }>(`select to_regclass('signalbox.a') as a`);
    expect(rows).toEqual([{ a: null }]);
  });

  it('may be started by ten at once', async () => {
    await write(one, 'create table signalbox.a (id integer); select pg_sleep(0.2);');
    const ran = await Promise.all(Array.from({ length: 10 }, () => migrateUp(options())));
    expect(ran.flat()).toEqual([one]);
  });

  it('of a newer version stop this one when they are breaking, and only then', async () => {
    await write(one, 'create table signalbox.a (id integer);');
    await migrateUp(options());
    await db.database.query(
      `insert into signalbox.migration (name, run_on) values ('20310101000000_more', now())`,
    );
    await assertSchemaFits(db.database, [folder]);
    await db.database.query(
      `insert into signalbox.migration (name, run_on) values ('20310102000000_other_breaking', now())`,
    );
    await expect(assertSchemaFits(db.database, [folder])).rejects.toMatchObject({ code: 'schema_newer' });
    await expect(migrateUp(options())).rejects.toMatchObject({ code: 'schema_newer' });
  });
});

describe('the real migrations', () => {
  it('make the schema that is in the tree, and leave nothing when undone', async () => {
    const ran = await migrateUp(options(allMigrations));
    const dumped = await dumpSchema(db.database);
    const kept = await readFile(new URL('../../schema.sql', import.meta.url), 'utf8');
    // Other versions print the same schema in other words.
    const { versionNumber } = await db.database.connect();
    if (versionNumber >= 180_000)
      expect(dumped, 'schema.sql is out of date: run `npm run schema`').toBe(kept);
    await migrateDown(options(allMigrations), ran.length);
    const { rows } = await db.database.query<{ relname: string }>(
      `select relname from pg_class where relnamespace = 'signalbox'::regnamespace and relkind in ('r', 'v')
       union all select proname from pg_proc where pronamespace = 'signalbox'::regnamespace`,
    );
    expect(rows).toEqual([{ relname: 'migration' }]);
  });
});
