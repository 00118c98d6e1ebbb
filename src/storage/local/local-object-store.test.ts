import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectStoreConformance } from '../object-store.conformance.js';
import { LocalObjectStore } from './local-object-store.js';
import { ScratchFolder } from './scratch-folder.js';

async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((e) => relative(root, join(e.parentPath, e.name)));
}

objectStoreConformance('local folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
  return {
    store: new LocalObjectStore({ root }),
    leftovers: () => filesIn(root),
    close: () => rm(root, { recursive: true, force: true }),
  };
});

describe('the local folder', () => {
  let folder: string;
  let root: string;
  let store: LocalObjectStore;
  const text = (value: string) => Readable.from([Buffer.from(value)]);
  const contentType = 'text/plain';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
    root = join(folder, 'root');
    store = new LocalObjectStore({ root });
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  it('follows no link out of its root', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(root);
    await symlink(outside, join(root, 'linked'));
    await symlink(join(outside, 'secret'), join(root, 'file'));
    await expect(store.open('file')).rejects.toMatchObject({ code: 'object_not_found' });
    expect(await store.head('file')).toBeUndefined();
    const leadsOut = { code: 'object_key_invalid' };
    await expect(store.open('linked/secret')).rejects.toMatchObject(leadsOut);
    await expect(store.put('linked/new', text('x'), { contentType })).rejects.toMatchObject(leadsOut);
    await expect(store.delete('linked/secret')).rejects.toMatchObject(leadsOut);
    await expect(store.list('linked/').next()).rejects.toMatchObject(leadsOut);
    expect((await store.list('').next()).done).toBe(true);
    expect(await filesIn(outside)).toEqual(['secret']);
    // A link at the place itself is replaced, not written through.
    await store.put('file', text('mine'), { contentType });
    expect(await store.head('file')).toMatchObject({ bytes: 4 });
  });

  it('says that it is unavailable when its root is no folder', async () => {
    await writeFile(root, 'in the way');
    const gone = { code: 'storage_unavailable', status: 503, retryable: true };
    await expect(store.check()).rejects.toMatchObject(gone);
    await expect(store.put('a', text('x'), { contentType })).rejects.toMatchObject(gone);
    await rm(root);
    await store.check();
  });

  it('sweeps what a crash left, and nothing that is in use', async () => {
    const drafts = join(root, '.unfinished');
    for (const name of ['old', 'new', 'busy']) {
      await mkdir(join(drafts, name), { recursive: true });
      await writeFile(join(drafts, name, 'draft'), 'x');
    }
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(drafts, 'old', 'draft'), longAgo, longAgo);
    await utimes(join(drafts, 'old'), longAgo, longAgo);
    await utimes(join(drafts, 'busy'), longAgo, longAgo);
    await store.put('a', text('x'), { contentType });
    expect((await readdir(drafts)).sort()).toEqual(['busy', 'new']);
    expect(await new ScratchFolder({ root: drafts, staleMs: -1 }).sweep()).toBe(2);
  });
});
