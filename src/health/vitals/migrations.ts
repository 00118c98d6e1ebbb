import { fileURLToPath } from 'node:url';

/** Folder of the migrations of the vitals, for the runner. */
export const vitalsMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));
