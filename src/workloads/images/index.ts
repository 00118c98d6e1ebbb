import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from '../../database/database.js';
import { Jobs } from '../../engine/jobs.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { LocalObjectStore } from '../../storage/local/local-object-store.js';
import { ScratchFolder } from '../../storage/local/scratch-folder.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { Workload, WorkloadModule } from '../manifest.js';
import { LocalModel } from './adapters/local/model.js';
import type { ImageModel } from './adapters/model.js';
import { SharpInspector } from './adapters/sharp/inspector.js';
import { Enhancer } from './enhancer.js';
import { imageErrors } from './errors.js';
import { Images } from './images.js';
import { presentEnhancements } from './present.js';
import { registerImageRoutes } from './routes.js';
import { type ImagesSettings, imagesSection } from './settings.js';
import { enhanceForm, enhanceTask } from './tasks.js';

export interface CreateImagesDeps {
  readonly database: Database;
  readonly uploads: ObjectStore;
  readonly outputs: ObjectStore;
  /** Local files that one piece of work needs while it runs. */
  readonly scratch: ScratchFolder;
  readonly settings: Pick<ImagesSettings, 'maxUploadBytes' | 'maxPixels'>;
  readonly logger: Logger;
  /** @default the local model */
  readonly model?: ImageModel;
}

/** Uploads, enhancements and their downloads. */
export function createImages(deps: CreateImagesDeps): Workload {
  const { database, uploads, outputs, scratch, settings, logger } = deps;
  const { maxPixels, maxUploadBytes } = settings;
  const inspector = new SharpInspector({ maxPixels });
  const model = deps.model ?? new LocalModel({ maxPixels });
  const jobs = new Jobs(database);
  const images = new Images({ database, uploads, inspector, scratch, jobs, maxUploadBytes });
  const enhancer = new Enhancer({ database, uploads, outputs, inspector, model, scratch });
  return Object.freeze<Workload>({
    name: 'images',
    errors: imageErrors.$specs,
    tasks: [enhanceTask({ images, enhancer })],
    permissions: ['assets:read', 'assets:write'],
    checks: [
      {
        name: 'storage',
        // Jobs of others, and what is known of ours, need no file.
        essential: false,
        run: async (signal) => {
          await Promise.all([uploads.check(signal), outputs.check(signal)]);
        },
      },
    ],
    forms: [enhanceForm],
    async routes(app) {
      await registerImageRoutes(app, { images, uploads, outputs });
      app.addHook('onReady', async () => {
        try {
          await images.sweep();
        } catch (error) {
          logger.warn(
            { error: messageOf(error) },
            'unfinished uploads could not be swept; the next start will',
          );
        }
      });
    },
    present: (list) => presentEnhancements(images, list),
  });
}

export const images: WorkloadModule = Object.freeze<WorkloadModule>({
  name: 'images',
  section: imagesSection,
  migrations: fileURLToPath(new URL('./migrations', import.meta.url)),
  errors: imageErrors.$specs,
  metrics: [],
  async create({ config, database, home, logger }) {
    const settings = config.get(imagesSection);
    return createImages({
      database,
      uploads: new LocalObjectStore({ root: resolve(settings.uploadsDir ?? join(home, 'uploads')) }),
      outputs: new LocalObjectStore({ root: resolve(settings.outputsDir ?? join(home, 'outputs')) }),
      scratch: new ScratchFolder({ root: join(home, 'scratch') }),
      settings,
      logger,
    });
  },
});
