import { setTimeout as sleep } from 'node:timers/promises';
import { migrationFolders } from '../../app/modules.js';
import { type OpenDatabase, openDatabase } from '../../app/open-database.js';
import type { Config } from '../../config/load.js';
import type { Database } from '../../database/database.js';
import { migrationStatus, schemaFits } from '../../database/migrations.js';
import { Engine } from '../../engine/engine.js';
import { checkInvariants, type Violation } from '../../engine/invariants.js';
import { readLeader } from '../../engine/sql/leader.js';
import type { Logger } from '../../foundation/logger.js';
import { formatDuration } from '../../foundation/time.js';
import { type Diagnosis, examine, finding, well } from './diagnosis.js';

/** The connection, the schema, and then what the engine has in it. */
export async function databaseDiagnoses(config: Config, logger: Logger): Promise<Diagnosis[]> {
  return examine('database', async () => {
    const open = await openDatabase({ config, logger, applicationName: 'signalbox-doctor' });
    try {
      const connection = await answer(open);
      const schema = await examine('migrations', () => schemaDiagnosis(open.database));
      // Without its tables there is nothing to say of the engine.
      if (schema.some(({ ok }) => !ok)) return [connection, ...schema];
      return [connection, ...schema, ...(await engineDiagnoses(open.database, logger))];
    } finally {
      await open.close();
    }
  });
}

async function answer({ database, embedded }: OpenDatabase): Promise<Diagnosis> {
  const started = performance.now();
  const server = await database.connect();
  const ms = (performance.now() - started).toFixed(1);
  const kind = embedded ? 'embedded' : server.pooled ? 'behind a pooler: no LISTEN' : 'direct';
  const version = (server.versionNumber / 10_000).toFixed(4).replace(/\.0*(\d+)$/, '.$1');
  return well('database', `PostgreSQL ${version}, ${kind}, answers in ${ms} ms`);
}

async function schemaDiagnosis(database: Database): Promise<Diagnosis[]> {
  const { pending, unknown } = await migrationStatus(database, migrationFolders);
  if (await schemaFits(database, migrationFolders)) return [well('migrations', 'all applied')];
  if (pending.length > 0) {
    return [finding('migrations', `not run: ${pending.join(', ')}`, 'signalbox migrate up')];
  }
  return [
    finding(
      'migrations',
      `run by a newer version: ${unknown.join(', ')}`,
      'Start that version of Signalbox.',
    ),
  ];
}

async function engineDiagnoses(database: Database, logger: Logger): Promise<Diagnosis[]> {
  const engine = new Engine({ database, tasks: [], logger });
  return [
    ...(await examine('leader', async () => [await leaderDiagnosis(database)])),
    ...(await examine('workers', async () => [await workersDiagnosis(engine)])),
    ...(await examine('work', () => workDiagnoses(engine))),
    ...(await examine('invariants', () => invariantDiagnoses(database))),
  ];
}

async function leaderDiagnosis(database: Database): Promise<Diagnosis> {
  const leader = await readLeader(database);
  if (leader === undefined) {
    return finding('leader', 'No process does the housekeeping: nothing is rescued.', 'signalbox start');
  }
  return well('leader', `elected ${formatDuration(leader.sinceMs)} ago`);
}

async function workersDiagnosis(engine: Engine): Promise<Diagnosis> {
  const live = (await engine.workers()).filter((worker) => worker.live && worker.status === 'running');
  if (live.length === 0) {
    return finding(
      'workers',
      'No live worker: what is accepted is not run.',
      'Start one: signalbox start --worker',
    );
  }
  const slots = live.reduce((sum, worker) => sum + worker.concurrency, 0);
  const running = live.reduce((sum, worker) => sum + worker.running, 0);
  return well('workers', `${live.length} live, ${running} jobs in ${slots} slots`);
}

async function workDiagnoses(engine: Engine): Promise<Diagnosis[]> {
  const findings = await engine.findings();
  if (findings.length === 0) return [well('work', 'every waiting job has a live worker')];
  return findings.map(({ message, remedy }) => finding('work', message, remedy));
}

/** Longer than a turn of the leader, who mends some of it. */
const secondLookMs = 1_500;

async function invariantDiagnoses(database: Database): Promise<Diagnosis[]> {
  let violations: readonly Violation[] = await checkInvariants(database);
  if (violations.length > 0) {
    await sleep(secondLookMs);
    violations = await checkInvariants(database);
  }
  if (violations.length === 0) return [well('invariants', 'all hold')];
  return violations.map(({ code, message, remedy }) => finding(`invariant ${code}`, message, remedy));
}
