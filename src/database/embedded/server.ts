import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../foundation/logger.js';
import { boundLog, logSize, logTail } from './bounded-log.js';
import { ensureCluster } from './cluster.js';
import { awaitServer, databaseUrl, ensureDatabase } from './database.js';
import { embeddedErrors } from './errors.js';
import { freePort } from './free-port.js';
import { readLastPort, writeLastPort } from './last-port.js';
import { type Layout, settleLayout } from './layout.js';
import { findNativePackage } from './native-package.js';
import { type NativeTools, prepareNativeTools } from './native-tools.js';
import { endOrphans } from './orphans.js';
import { ensurePassword } from './password.js';
import { adoptPostmaster, launchPostmaster, type Postmaster, stopPostmaster } from './postmaster.js';
import {
  isAlive,
  isPostmasterOf,
  type PostmasterRecord,
  readPostmasterFile,
  removePostmasterFile,
} from './postmaster-file.js';

export interface RunningServer {
  readonly url: string;
  /** It was running when we came: the supervisor before us was killed. */
  readonly adopted: boolean;
  readonly postmaster: Postmaster;
  readonly layout: Layout;
}

interface Setting {
  readonly layout: Layout;
  readonly tools: NativeTools;
  readonly password: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const attempts = 5;
const pauseMs = 100;

/**
 * Brings up the server of a home, whatever state the last one left it in. For the one supervisor of the home.
 * Has no time-out of its own, because recovery takes what it takes: it is aborted when nobody waits any more.
 * @throws what the parts throw; `signal.reason` when aborted, with nothing left running.
 */
export async function startServer(home: string, logger: Logger, signal: AbortSignal): Promise<RunningServer> {
  const pkg = findNativePackage();
  const layout = await settleLayout(home);
  const tools = await prepareNativeTools(pkg, layout.account, layout.copies);
  const password = await ensurePassword(layout);
  const majorVersion = pkg.version.split('.', 1)[0] ?? '';
  await ensureCluster(layout, tools, { password, majorVersion, logger, signal });
  await boundLog(layout.serverLog);
  return bringUp({ layout, tools, password, logger, signal });
}

/**
 * Several attempts, each with another port: the port may be taken between choice and start, a killed server's
 * children may still hold its shared memory, another start of it may be under way.
 */
async function bringUp(setting: Setting): Promise<RunningServer> {
  const logged = await logSize(setting.layout.serverLog);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    setting.signal.throwIfAborted();
    const left = await readPostmasterFile(setting.layout.data);
    const adopted = await adoptLeft(setting.layout.data, left);
    const postmaster = adopted ?? (await launchFresh(setting, left, attempt === 1));
    if (await becomesReady(postmaster, setting)) {
      await writeLastPort(setting.layout, postmaster.port);
      const url = databaseUrl(postmaster.port, setting.password);
      return { url, adopted: adopted !== undefined, postmaster, layout: setting.layout };
    }
    setting.logger.warn(
      { tried: attempt, adopted: adopted !== undefined },
      'the server ended while it started',
    );
    if (attempt < attempts) await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal: setting.signal });
  }
  const tail = await logTail(setting.layout.serverLog, logged);
  throw embeddedErrors.embedded_start_failed(
    `PostgreSQL ended ${attempts} times while it started. The end of ${setting.layout.serverLog}:\n${withoutPorts(tail)}`,
  );
}

async function adoptLeft(data: string, left: PostmasterRecord | undefined): Promise<Postmaster | undefined> {
  if (left?.port === undefined || !(await isPostmasterOf(data, left.pid))) return undefined;
  return adoptPostmaster(data, left.pid, left.port);
}

async function launchFresh(
  setting: Setting,
  left: PostmasterRecord | undefined,
  first: boolean,
): Promise<Postmaster> {
  const { data } = setting.layout;
  if (left !== undefined && isAlive(left.pid) && !(await isPostmasterOf(data, left.pid))) {
    // A stranger has the process id now, and PostgreSQL would take it for a server. The file of a dead process
    // is left to PostgreSQL, which also looks for that one's children.
    setting.logger.warn({ named_pid: left.pid }, 'removing a postmaster.pid that names no server');
    await removePostmasterFile(data);
  }
  if (left !== undefined) {
    const ended = await endOrphans(data);
    setting.logger.warn({ children: ended }, 'the last server was killed; recovering');
  }
  // The old port comes first: users who live through a crash or an immediate shutdown know no other.
  const known = first ? (left?.port ?? (await readLastPort(setting.layout))) : undefined;
  const port = known ?? (await freePort());
  return launchPostmaster(setting.layout, setting.tools, port);
}

/** False when the server ended first. */
async function becomesReady(postmaster: Postmaster, setting: Setting): Promise<boolean> {
  const ended = new AbortController();
  const over = AbortSignal.any([ended.signal, setting.signal]);
  void postmaster.exited.then(() => ended.abort());
  try {
    await awaitServer(postmaster.port, setting.password, over);
    await ensureDatabase(postmaster.port, setting.password);
    return true;
  } catch (error) {
    if (ended.signal.aborted) return false;
    await stopPostmaster(postmaster, setting.logger);
    throw error;
  }
}

/** The server's log names ports; what we pass on does not. */
function withoutPorts(text: string): string {
  return text.replaceAll(/\bport \d+/g, 'port …');
}
