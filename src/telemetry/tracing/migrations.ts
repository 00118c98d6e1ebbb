import { fileURLToPath } from 'node:url';

/** Folder of the migrations of the spans, for the runner. */
export const spanMigrations: string = fileURLToPath(new URL('./store/migrations', import.meta.url));
