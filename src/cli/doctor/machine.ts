import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homeFolder } from '../../app/open-database.js';
import { appSection } from '../../app/settings.js';
import type { Config } from '../../config/load.js';
import { messageOf } from '../../foundation/errors.js';
import { type Diagnosis, finding, well } from './diagnosis.js';

export function nodeVersion(): Diagnosis {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return well('Node.js', node);
  return finding('Node.js', `${node} is too old`, 'Install Node.js 20.19 or newer.');
}

const leastFreeBytes = 1_073_741_824;

export async function diskSpace(config: Config): Promise<Diagnosis> {
  const { bavail, bsize } = await statfs(await homeFolder(config));
  const free = bavail * bsize;
  const text = `${(free / leastFreeBytes).toFixed(1)} GiB free where SIGNALBOX_HOME is`;
  if (free >= leastFreeBytes) return well('disk', text);
  return finding('disk', text, 'Free at least 1 GiB there, or set SIGNALBOX_HOME to another place.');
}

const answerMs = 2_000;

/** Free, or held by a Signalbox that answers: both are well. */
export async function portUsable(config: Config): Promise<Diagnosis> {
  const { host, port } = config.get(appSection);
  const problem = await listenOnce(host, port);
  if (problem === undefined) return well('port', `${host}:${port} is free`);
  const served = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const url = `http://${served.includes(':') ? `[${served}]` : served}:${port}/health`;
  if (await isHealthy(url)) return well('port', `Signalbox answers at ${host}:${port}`);
  return finding('port', problem, 'Set PORT to another one, or stop what holds it.');
}

async function listenOnce(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    server.close();
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
    const body: unknown = await answer.json();
    return typeof body === 'object' && body !== null && 'status' in body && body.status === 'healthy';
  } catch {
    return false;
  }
}
