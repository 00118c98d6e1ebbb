import { fileURLToPath } from 'node:url';

/** Folder of the migrations of the history, for the runner. */
export const historyMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));
