// Writes what is made from the code: docs/configuration.md, docs/errors.md, the table in docs/metrics.md and the
// rules for Prometheus. Needs `npm run build`.
import { readFile, writeFile } from 'node:fs/promises';
import { withMetricsTable } from '../dist/app/metrics-table.js';
import { configurationPage, errorsPage, prometheusRules } from '../dist/app/reference.js';

await writeFile(new URL('../docs/configuration.md', import.meta.url), configurationPage());
await writeFile(new URL('../docs/errors.md', import.meta.url), errorsPage());
const metrics = new URL('../docs/metrics.md', import.meta.url);
await writeFile(metrics, withMetricsTable(await readFile(metrics, 'utf8')));
await writeFile(new URL('../deploy/prometheus/signalbox.rules.yml', import.meta.url), prometheusRules());
process.stdout.write(
  'docs/configuration.md, docs/errors.md, docs/metrics.md and the rules for Prometheus are written.\n',
);
