// Writes the pages that are made from the code: docs/configuration.md and docs/errors.md. Needs `npm run build`.
import { writeFile } from 'node:fs/promises';
import { configurationPage, errorsPage } from '../dist/app/reference.js';

await writeFile(new URL('../docs/configuration.md', import.meta.url), configurationPage());
await writeFile(new URL('../docs/errors.md', import.meta.url), errorsPage());
process.stdout.write('docs/configuration.md and docs/errors.md are written.\n');
