import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryHome {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * An empty folder for SIGNALBOX_HOME. Open for passing through: as root the embedded server runs under an
 * account of its own, and would put its data elsewhere, for good, if it could not reach this folder.
 */
export async function temporaryHome(): Promise<TemporaryHome> {
  const path = await mkdtemp(join(tmpdir(), 'signalbox-test-'));
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
