import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

/** The port that the home's server had last. PostgreSQL's own file is gone after an immediate shutdown. */
export async function readLastPort(layout: Layout): Promise<number | undefined> {
  const port = Number(await readPrivateFile(fileOf(layout)));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

export async function writeLastPort(layout: Layout, port: number): Promise<void> {
  if ((await readLastPort(layout)) === port) return;
  const temporary = `${fileOf(layout)}.${randomBytes(6).toString('hex')}`;
  await writePrivateFile(temporary, String(port));
  await rename(temporary, fileOf(layout));
}

function fileOf(layout: Layout): string {
  return join(layout.control, 'port');
}
