import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Command } from 'commander';
import { readConfig } from '../../app/config.js';
import { migrationFolders } from '../../app/modules.js';
import { homeFolder, openDatabase } from '../../app/open-database.js';
import { appSection } from '../../app/settings.js';
import type { Config } from '../../config/load.js';
import { assertSchemaFits } from '../../database/migrations.js';
import { findStuckWork } from '../../engine/findings.js';
import { messageOf } from '../../foundation/errors.js';
import { commandLogger } from '../context.js';
import { type OutputOptions, paint, print, table } from '../output.js';

interface Diagnosis {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what Signalbox needs, and say what to do about what is missing')
    .option('--json', 'print JSON')
    .action(async (options: OutputOptions) => {
      const config = readConfig(process.env);
      const diagnoses = [
        nodeVersion(),
        ...(await databaseChecks(config)),
        await attempt('disk', () => diskSpace(config)),
        await attempt('port', () => portFree(config)),
      ];
      const ok = diagnoses.every((diagnosis) => diagnosis.ok);
      print(options, { ok, checks: diagnoses }, () =>
        table(
          ['check', 'result', 'detail'],
          diagnoses.map((d) => [d.check, d.ok ? paint.green('ok') : paint.red('fails'), d.detail]),
        ),
      );
      process.exitCode = ok ? 0 : 1;
    });
}

async function attempt(check: string, run: () => Promise<string>): Promise<Diagnosis> {
  try {
    return { check, ok: true, detail: await run() };
  } catch (error) {
    return { check, ok: false, detail: messageOf(error) };
  }
}

function nodeVersion(): Diagnosis {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  const detail = ok ? process.versions.node : `${process.versions.node}: 20.19 or newer is needed`;
  return { check: 'Node.js', ok, detail };
}

async function databaseChecks(config: Config): Promise<Diagnosis[]> {
  const logger = commandLogger();
  try {
    const open = await openDatabase({ config, logger, applicationName: 'signalbox-doctor' });
    try {
      const started = performance.now();
      const server = await open.database.connect();
      const ms = (performance.now() - started).toFixed(1);
      const kind = open.embedded ? 'embedded' : server.pooled ? 'behind a pooler: no LISTEN' : 'direct';
      const version = (server.versionNumber / 10_000).toFixed(4).replace(/\.0*(\d+)$/, '.$1');
      return [
        { check: 'database', ok: true, detail: `PostgreSQL ${version}, ${kind}, answers in ${ms} ms` },
        await attempt('migrations', async () => {
          await assertSchemaFits(open.database, migrationFolders);
          return 'all applied';
        }),
        await attempt('work', async () => {
          const findings = await findStuckWork(open.database);
          if (findings.length === 0) return 'every waiting job has a live worker';
          throw new Error(findings.map(({ message, remedy }) => `${message} ${remedy}`).join(' '));
        }),
      ];
    } finally {
      await open.close();
    }
  } catch (error) {
    return [{ check: 'database', ok: false, detail: messageOf(error) }];
  }
}

const leastFreeBytes = 1_073_741_824;

async function diskSpace(config: Config): Promise<string> {
  const home = await homeFolder(config);
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const text = `${(free / leastFreeBytes).toFixed(1)} GiB free where SIGNALBOX_HOME is`;
  if (free < leastFreeBytes) throw new Error(`${text}; at least 1 GiB is needed`);
  return text;
}

async function portFree(config: Config): Promise<string> {
  const { host, port } = config.get(appSection);
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
    return `${host}:${port} is free`;
  } catch (error) {
    throw new Error(`${messageOf(error)}; set PORT to another one, or is Signalbox already running?`);
  } finally {
    server.close();
  }
}
