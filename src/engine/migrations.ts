import { fileURLToPath } from 'node:url';

/** Folder of the engine's migrations, for the runner. */
export const engineMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));
