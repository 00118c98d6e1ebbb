// Writes console/src/api/schema.d.ts from the API's own description. Needs `npm run build`.
// With --check it writes nothing and fails when the file is out of date.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTypescript, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { describeApi } from '../dist/app/openapi.js';

const target = new URL('../console/src/api/schema.d.ts', import.meta.url);
const home = await mkdtemp(join(tmpdir(), 'signalbox-api-types-'));
try {
  const types = `${COMMENT_HEADER}${astToString(await openapiTypescript(await describeApi(home)))}`;
  if (!process.argv.includes('--check')) {
    await writeFile(target, types);
    process.stdout.write('console/src/api/schema.d.ts is written.\n');
  } else if ((await readFile(target, 'utf8').catch(() => '')) !== types) {
    process.stderr.write('console/src/api/schema.d.ts is out of date: run `npm run api-types`\n');
    process.exitCode = 1;
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
