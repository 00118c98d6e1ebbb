#!/usr/bin/env node
// Fails when the built console is heavier than its budget. Sizes are gzip, in kB of 1000 bytes; what the page
// loads at once counts as entry, every other script as a chunk of its own.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const budgets = { 'entry JS': 170, CSS: 15, 'largest lazy chunk': 30 };
const root = new URL('../dist/web/', import.meta.url);

let page;
try {
  page = await readFile(new URL('index.html', root), 'utf8');
} catch {
  console.error(`There is no built console in ${fileURLToPath(root)}. Run: npm run build`);
  process.exit(1);
}

const sizes = { 'entry JS': 0, CSS: 0, 'largest lazy chunk': 0 };
const foreign = [...page.matchAll(/(?:src|href)="(https?:)?\/\/[^"]*"/g)].map(([text]) => text);
const entry = new Set(
  [...page.matchAll(/(?:src|href)="[^"]*?([^"/]+\.(?:js|css))"/g)].map(([, name]) => name),
);

for (const file of await readdir(root, { recursive: true })) {
  if (!/\.(?:js|css)$/.test(file)) continue;
  const kB = gzipSync(await readFile(new URL(file, root)), { level: 9 }).length / 1_000;
  if (file.endsWith('.css')) sizes.CSS += kB;
  else if (entry.has(file.split('/').at(-1))) sizes['entry JS'] += kB;
  else sizes['largest lazy chunk'] = Math.max(sizes['largest lazy chunk'], kB);
}

let failed = foreign.length > 0;
for (const text of foreign) console.error(`index.html loads from another host: ${text}`);
if (sizes['entry JS'] === 0) {
  console.error('index.html names no script: nothing was measured.');
  failed = true;
}
for (const [name, budget] of Object.entries(budgets)) {
  const over = sizes[name] > budget;
  failed ||= over;
  console.log(`${over ? 'OVER' : 'ok  '}  ${name}: ${sizes[name].toFixed(1)} of ${budget} kB gzip`);
}
process.exit(failed ? 1 : 0);
