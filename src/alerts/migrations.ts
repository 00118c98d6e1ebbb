import { fileURLToPath } from 'node:url';

/** Folder of the migrations of alerts, for the runner. */
export const alertMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));
