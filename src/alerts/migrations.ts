import { fileURLToPath } from 'node:url';

/** Folder of the migrations of alerts and notifications, for the runner. */
export const alertMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));
