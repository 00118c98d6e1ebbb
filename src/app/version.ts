import { readFileSync } from 'node:fs';

/** Two levels up from here both in `src/app` and in `dist/app`. */
const manifest: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** Version of this build, from the package's manifest. */
export const version: string = manifest.version;
