import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../../../database/testing/test-database.js';
import { Engine } from '../../../engine/engine.js';
import { isFinal, type Job } from '../../../engine/job.js';
import type { Worker } from '../../../engine/worker.js';
import { newId } from '../../../foundation/ids.js';
import { type Logger, silentLogger } from '../../../foundation/logger.js';
import { systemClock } from '../../../foundation/time.js';
import { createHttpApp, type HttpApp } from '../../../http/app.js';
import type { Authenticator } from '../../../identity/authenticator.js';
import { createPrincipal } from '../../../identity/principal.js';
import { permissionsOf, platformPermissions, roles } from '../../../identity/roles.js';
import { LocalObjectStore } from '../../../storage/local/local-object-store.js';
import { ScratchFolder } from '../../../storage/local/scratch-folder.js';
import type { ObjectStore } from '../../../storage/object-store.js';
import type { Workload } from '../../manifest.js';
import type { ImageModel } from '../adapters/model.js';
import { createImages } from '../index.js';
import type { ImagesSettings } from '../settings.js';
import { enhanceInput } from '../tasks.js';

/** A caller is whoever `X-API-Key` says, with the role before the colon: `member:ann`. */
const byName: Authenticator = {
  anonymousAllowed: false,
  async authenticate({ apiKey = 'admin:root' }) {
    const role = roles.find((one) => apiKey.startsWith(`${one}:`)) ?? 'viewer';
    return createPrincipal(
      apiKey,
      apiKey,
      permissionsOf(role, [...platformPermissions, 'assets:read', 'assets:write']),
    );
  },
};

export const as = (name: string) => ({ 'x-api-key': name });

export interface ImagesServerOptions {
  readonly settings?: Partial<Pick<ImagesSettings, 'maxUploadBytes' | 'maxPixels'>>;
  readonly model?: ImageModel;
  readonly logger?: Logger;
  /** Puts something between the workload and a store. */
  readonly wrap?: (store: ObjectStore, which: 'uploads' | 'outputs') => ObjectStore;
}

/** The images workload with a real database, engine and folders, behind HTTP. */
export class ImagesServer {
  readonly db: TestDatabase;
  readonly engine: Engine;
  readonly app: HttpApp;
  readonly workload: Workload;
  readonly folder: string;

  readonly #workers: Worker[] = [];

  private constructor(db: TestDatabase, engine: Engine, app: HttpApp, workload: Workload, folder: string) {
    this.db = db;
    this.engine = engine;
    this.app = app;
    this.workload = workload;
    this.folder = folder;
  }

  static async start(options: ImagesServerOptions = {}): Promise<ImagesServer> {
    const { settings, model, logger = silentLogger, wrap = (store: ObjectStore) => store } = options;
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-images-'));
    const db = await createTestDatabase();
    const { database } = db;
    const workload = createImages({
      database,
      uploads: wrap(new LocalObjectStore({ root: join(folder, 'uploads') }), 'uploads'),
      outputs: wrap(new LocalObjectStore({ root: join(folder, 'outputs') }), 'outputs'),
      scratch: new ScratchFolder({ root: join(folder, 'scratch') }),
      settings: { maxUploadBytes: 5_000_000, maxPixels: 50_000_000, ...settings },
      logger,
      ...(model === undefined ? {} : { model }),
    });
    const engine = new Engine({ database, tasks: workload.tasks, logger, housekeepingMs: 50 });
    await engine.start();
    const app = await serve(workload, logger);
    return new ImagesServer(db, engine, app, workload, folder);
  }

  async upload(bytes: Buffer, { filename = 'photo.jpg', caller = 'member:ann' } = {}): Promise<string> {
    const response = await this.app.inject({
      method: 'POST',
      url: '/assets',
      headers: { ...as(caller), ...formHeaders },
      payload: formOf([filePart(bytes, filename)]),
    });
    if (response.statusCode !== 201) throw new Error(response.body);
    return response.json<{ id: string }>().id;
  }

  /** What `POST /jobs` does: admits and enqueues in one transaction. */
  async enhance(input: object, caller = 'member:ann'): Promise<Job> {
    const [task] = this.workload.tasks;
    if (task?.open === undefined) throw new Error('no open task');
    const { open } = task;
    const parsed = enhanceInput.parse(input);
    const { permissions } = await byName.authenticate({ apiKey: caller });
    const id = newId();
    return this.db.database.transaction(async (tx) => {
      await open.admit?.(tx, { id, input: parsed, caller: { id: caller, permissions } });
      return this.engine.enqueue(tx, task, input, { id, owner: caller });
    });
  }

  async worker(): Promise<Worker> {
    const worker = this.engine.createWorker({
      queues: null,
      concurrency: 2,
      leaseMs: 10_000,
      drainTimeoutMs: 5_000,
      pollMs: 100,
    });
    this.#workers.push(worker);
    await worker.start();
    return worker;
  }

  /** Resolves with the job once it has ended. */
  async ended(id: string): Promise<Job> {
    for (;;) {
      const changed = new AbortController();
      const unsubscribe = this.engine.onChange(() => changed.abort());
      try {
        const job = await this.engine.jobs.get(id);
        if (isFinal(job.status)) return job;
        await systemClock.sleep(250, changed.signal);
      } finally {
        unsubscribe();
      }
    }
  }

  /** Every file in the stores and in the scratch folder. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        // A folder was removed while it was being read: what is asked is what there is afterwards.
        if (error.code === 'ENOENT') return undefined;
        throw error;
      },
    );
    if (entries === undefined) return this.files();
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)))
      .sort();
  }

  async assetRows(): Promise<number> {
    const { rows } = await this.db.database.query<{ n: number }>(
      'select count(*)::int as n from signalbox.asset',
    );
    return rows[0]?.n ?? -1;
  }

  async stop(): Promise<void> {
    await this.app.close();
    for (const worker of this.#workers) await worker.stop();
    await this.engine.stop();
    await this.db.drop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A server in front of the workload, as each of several processes has one. */
export async function serve(workload: Workload, logger: Logger = silentLogger): Promise<HttpApp> {
  const app = await createHttpApp({ logger, authenticator: byName, version: '0.0.0', checkAnswers: true });
  await workload.routes(app);
  return app;
}

const boundary = 'a-boundary-of-the-test';
export const formHeaders = { 'content-type': `multipart/form-data; boundary=${boundary}` };

/** A part with its header as given: what no client would send can be sent. */
export function part(disposition: string | Buffer, body: Buffer | string, type?: string): Buffer {
  return Buffer.concat([
    Buffer.from('Content-Disposition: form-data; '),
    Buffer.from(disposition),
    Buffer.from(type === undefined ? '\r\n\r\n' : `\r\nContent-Type: ${type}\r\n\r\n`),
    Buffer.from(body),
  ]);
}

export function filePart(bytes: Buffer | string, filename = 'photo.jpg', field = 'file'): Buffer {
  return part(`name="${field}"; filename="${filename}"`, bytes, 'image/jpeg');
}

/** A whole form; cut it to make it a broken one. */
export function formOf(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([
    ...parts.flatMap((one) => [Buffer.from(`--${boundary}\r\n`), one, Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}
