import { copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { gate } from '../../engine/testing/harness.js';
import { newId } from '../../foundation/ids.js';
import { storageErrors } from '../../storage/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ImageModel } from './adapters/model.js';
import { insertAsset, recordOutput } from './store.js';
import { as, ImagesServer, type ImagesServerOptions, serve } from './testing/images-server.js';
import { cameraExif, landscape } from './testing/pictures.js';

let server: ImagesServer;
let assetId: string;
const source = landscape(120, 90, { dark: 40, bright: 210 }).jpeg().withExif(cameraExif).toBuffer();
afterEach(async () => server.stop());

async function start(options: ImagesServerOptions = {}) {
  server = await ImagesServer.start(options);
  assetId = await server.upload(await source);
}

async function run(input: object = {}) {
  const { id } = await server.enhance({ asset_id: assetId, prompt: 'Test enhancement', ...input });
  await server.worker();
  return server.ended(id);
}

const outputs = async () => (await server.files()).filter((file) => file.startsWith('outputs/'));
const output = (jobId: string) => ({
  key: `enhancements/${jobId}/99.jpg`,
  contentType: 'image/jpeg' as const,
  bytes: 1,
  width: 2,
  height: 3,
  sha256: 'a'.repeat(64),
});

describe('images.enhance', () => {
  it('delivers, records and shows the output, and keeps the original', async () => {
    await start();
    const job = await run({ prompt: 'warm evening light' });
    expect(job).toMatchObject({
      status: 'succeeded',
      queue: 'images',
      progress: { fraction: 1 },
      result: { asset_id: assetId, style: 'warm', tier: 'premium', output: { width: 240, height: 180 } },
    });
    const shown = (await server.workload.present([job])).get(job.id);
    expect(shown).toEqual({
      asset_id: assetId,
      prompt: 'warm evening light',
      tier: 'premium',
      style: 'warm',
      price: 2,
      output_url: `/jobs/${job.id}/output`,
      output: { content_type: 'image/jpeg', bytes: expect.any(Number), width: 240, height: 180 },
    });
    expect(await server.files()).toEqual([
      `outputs/enhancements/${job.id}/1.jpg`,
      `uploads/assets/${assetId}/original.jpg`,
    ]);
    const made = await readFile(join(server.folder, `outputs/enhancements/${job.id}/1.jpg`));
    expect((await sharp(made).metadata()).exif).toBeUndefined();
    const lines = await server.engine.jobs.logs(job.id);
    expect(lines.map(({ message }) => message)).toEqual(['measured', 'planned', 'delivered']);
    expect(lines[0]?.data).toMatchObject({ black_point: expect.any(Number), noise: expect.any(Number) });
  });

  it('shows no output before the job has succeeded', async () => {
    await start();
    const job = await server.enhance({ asset_id: assetId, prompt: 'x', tier: 'free' });
    expect((await server.workload.present([job])).get(job.id)).toEqual({
      asset_id: assetId,
      prompt: 'x',
      tier: 'free',
      style: 'neutral',
      price: 1,
    });
    const [task] = server.workload.tasks;
    expect(task?.open?.price({ tier: 'free' })).toBe(1);
    expect(task?.open?.price({ tier: 'premium' })).toBe(2);
  });

  it('admits only assets of the caller, and writes nothing otherwise', async () => {
    await start();
    for (const [id, caller] of [
      [assetId, 'member:ben'],
      [newId(), 'member:ann'],
    ] as const) {
      await expect(server.enhance({ asset_id: id, prompt: 'x' }, caller)).rejects.toMatchObject({
        code: 'asset_not_found',
        status: 404,
        fields: [{ field: 'asset_id' }],
      });
    }
    await server.enhance({ asset_id: assetId, prompt: 'x' }, 'admin:root');
    expect(await server.engine.jobs.list({ limit: 10 })).toHaveLength(1);
  });

  it('fails for good when it was not admitted, or when the original is damaged', async () => {
    await start();
    const stray = await server.engine.enqueue('images.enhance', { asset_id: assetId, prompt: 'x' });
    await server.worker();
    const failed = { status: 'failed', reason: 'permanent_error', attempt: 1 };
    expect(await server.ended(stray.id)).toMatchObject({
      ...failed,
      error: { type: 'enhancement_not_found' },
    });
    await truncate(join(server.folder, `uploads/assets/${assetId}/original.jpg`), 900);
    const { id } = await server.enhance({ asset_id: assetId, prompt: 'x' });
    expect(await server.ended(id)).toMatchObject({ ...failed, error: { type: 'image_corrupt' } });
    expect(await outputs()).toEqual([]);
  });

  it('gives the first output that was recorded, and leaves no other', async () => {
    await start();
    // As after a crash between recording and completing: the next attempt has nothing left to do.
    const { id } = await server.enhance({ asset_id: assetId, prompt: 'x' });
    expect(await recordOutput(server.db.database, id, output(id))).toBe(true);
    expect(await recordOutput(server.db.database, id, { ...output(id), key: 'other' })).toBe(false);
    await server.worker();
    expect(await server.ended(id)).toMatchObject({
      status: 'succeeded',
      result: { output: { width: 2, height: 3 } },
    });
    expect(await outputs()).toEqual([]);
  });

  it('removes its own output when another attempt was faster, and those of attempts that died', async () => {
    let racing = '';
    const wrap = (store: ObjectStore, which: string): ObjectStore =>
      which === 'uploads'
        ? store
        : {
            put: async (key, bytes, options) => {
              const stored = await store.put(key, bytes, options);
              if (racing !== '') {
                const rival = output(racing);
                await store.put(
                  rival.key,
                  (async function* () {
                    yield Buffer.from('rival');
                  })(),
                  options,
                );
                await recordOutput(server.db.database, racing, rival);
              }
              return stored;
            },
            open: (...rest) => store.open(...rest),
            head: (key) => store.head(key),
            delete: (key) => store.delete(key),
            list: (prefix) => store.list(prefix),
            check: (signal) => store.check(signal),
          };
    await start({ wrap });
    const { id } = await server.enhance({ asset_id: assetId, prompt: 'x' });
    racing = id;
    await server.worker();
    expect(await server.ended(id)).toMatchObject({ status: 'succeeded', result: { output: { width: 2 } } });
    expect(await outputs()).toEqual([`outputs/enhancements/${id}/99.jpg`]);
  });

  it('tries again when the storage fails for a moment', async () => {
    let failures = 1;
    const wrap = (store: ObjectStore, which: string): ObjectStore =>
      Object.assign(Object.create(store) as ObjectStore, {
        put: async (...args: Parameters<ObjectStore['put']>) => {
          if (which === 'outputs' && failures > 0) {
            failures -= 1;
            throw storageErrors.storage_unavailable('no space left');
          }
          return store.put(...args);
        },
        open: (...args: Parameters<ObjectStore['open']>) => store.open(...args),
        delete: (key: string) => store.delete(key),
        list: (prefix: string) => store.list(prefix),
      });
    await start({ wrap });
    const job = await run();
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2, failures: 1 });
    expect(await outputs()).toEqual([`outputs/enhancements/${job.id}/2.jpg`]);
  });

  it('leaves nothing when it is cancelled', async () => {
    const inside = gate();
    const model: ImageModel = {
      name: 'slow',
      async enhance({ target }, { signal }) {
        await writeFile(target, 'half');
        inside.open();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      },
    };
    await start({ model });
    const { id } = await server.enhance({ asset_id: assetId, prompt: 'x' });
    await server.worker();
    await inside.passed;
    await server.engine.jobs.cancel(id);
    expect(await server.ended(id)).toMatchObject({ status: 'cancelled' });
    expect(await server.files()).toEqual([`uploads/assets/${assetId}/original.jpg`]);
  });
});

describe('an output is looked at before it counts', () => {
  const model = (
    write: (request: Parameters<ImageModel['enhance']>[0]) => Promise<unknown>,
    changed = true,
  ): ImageModel => ({
    name: 'careless',
    async enhance(request) {
      await write(request);
      return { width: 120, height: 90, changed };
    },
  });

  it.each([
    ['no image', 'asset_type_unsupported', model(({ target }) => writeFile(target, 'sorry'))],
    ['an empty file', 'asset_empty', model(({ target }) => writeFile(target, ''))],
    [
      'half an image',
      'image_corrupt',
      model(async ({ target }) =>
        writeFile(target, (await landscape(120, 90).jpeg().toBuffer()).subarray(0, 800)),
      ),
    ],
    [
      'another type',
      'image_output_invalid',
      model(async ({ target }) => writeFile(target, await landscape(120, 90).png().toBuffer())),
    ],
    ['another size', 'image_output_invalid', model(({ target }) => landscape(60, 45).jpeg().toFile(target))],
    [
      'metadata',
      'image_output_invalid',
      model(({ target }) => landscape(120, 90).jpeg().withExif(cameraExif).toFile(target)),
    ],
    ['the original', 'image_output_invalid', model(({ source: from, target }) => copyFile(from, target))],
    [
      'the original without its metadata',
      'image_unchanged',
      model(async ({ source: from, target }) =>
        sharp(await readFile(from))
          .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
          .toFile(target),
      ),
    ],
  ] as const)('%s is refused as %s', async (_name, code, careless) => {
    await start({ model: careless });
    const { id } = await server.enhance({ asset_id: assetId, prompt: 'x', tier: 'free' });
    const [task] = server.workload.tasks;
    const attempt = task?.run(
      { asset_id: assetId, prompt: 'x', tier: 'free' },
      {
        job: {
          id,
          task: 'images.enhance',
          queue: 'images',
          attempt: 1,
          owner: null,
          tags: [],
          traceParent: null,
          workerId: 'w',
        },
        signal: new AbortController().signal,
        progress: () => undefined,
        log: () => undefined,
        complete: async () => undefined,
      },
    );
    await expect(attempt).rejects.toMatchObject({ code });
    expect(await server.files()).toEqual([`uploads/assets/${assetId}/original.jpg`]);
  });
});

describe('the house', () => {
  it('takes back uploads that died between row and object', async () => {
    await start();
    const dead = newId();
    const stored = {
      owner: 'ann',
      filename: 'a.jpg',
      contentType: 'image/jpeg',
      bytes: 1,
      width: 1,
      height: 1,
    } as const;
    const objectKey = `assets/${dead}/original.jpg`;
    await insertAsset(server.db.database, { ...stored, id: dead, sha256: 'b'.repeat(64), objectKey });
    const fresh = newId();
    await insertAsset(server.db.database, {
      ...stored,
      id: fresh,
      sha256: 'b'.repeat(64),
      objectKey: 'assets/fresh',
    });
    await server.db.database.query(
      `update signalbox.asset set created_at = now() - interval '2 hours' where id = $1`,
      [dead],
    );
    expect(await server.assetRows()).toBe(3);
    // The server sweeps when it starts; what is not old may be an upload under way.
    const another = await serve(server.workload);
    await another.ready();
    await another.close();
    expect(await server.assetRows()).toBe(2);
    expect((await server.app.inject({ url: `/assets/${fresh}`, headers: as('admin:root') })).statusCode).toBe(
      404,
    );
  });

  it('is healthy while its folders can be written, and says so when not', async () => {
    await start();
    const [check] = server.workload.checks;
    const { signal } = new AbortController();
    expect(check?.name).toBe('storage');
    await check?.run(signal);
    await rm(join(server.folder, 'outputs'), { recursive: true, force: true });
    await writeFile(join(server.folder, 'outputs'), 'in the way');
    await expect(check?.run(signal)).rejects.toMatchObject({ code: 'storage_unavailable' });
    await rm(join(server.folder, 'outputs'));
  });
});
