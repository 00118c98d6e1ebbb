// Writes schema.sql: the schema that the migrations make, for review. Needs `npm run build` first.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationFolders } from '../dist/app/modules.js';
import { Database } from '../dist/database/database.js';
import { startEmbeddedPostgres } from '../dist/database/embedded/embedded.js';
import { migrateUp } from '../dist/database/migrations.js';
import { dumpSchema } from '../dist/database/schema-dump.js';
import { silentLogger as logger } from '../dist/foundation/logger.js';

const home = await mkdtemp(join(tmpdir(), 'signalbox-schema-'));
const server = await startEmbeddedPostgres({ home, logger });
try {
  const connection = {
    url: server.url,
    applicationName: 'signalbox-schema',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 30_000,
  };
  await migrateUp({ connection, folders: migrationFolders, logger });
  const database = new Database({ ...connection, poolSize: 2, logger });
  await writeFile(new URL('../schema.sql', import.meta.url), await dumpSchema(database));
  await database.close();
  process.stdout.write('schema.sql is written.\n');
} finally {
  await server.stop();
  await rm(home, { recursive: true, force: true });
}
