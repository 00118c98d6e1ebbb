// Imports go downwards only. The order is that of ARCHITECTURE.md, top first.
const layers = [
  'cli',
  'app',
  'console',
  'api',
  'workloads',
  'http',
  'alerts',
  'health',
  'history',
  'ledger',
  'identity',
  'storage',
  'telemetry',
  'testkit',
  'engine',
  'database',
  'config',
  'foundation',
];

const downwardsOnly = layers.slice(1).map((layer, index) => ({
  name: `${layer}-imports-downwards-only`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: `^src/(${layers.slice(0, index + 1).join('|')})/|^src/index\\.ts$` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...downwardsOnly,
    {
      name: 'workloads-do-not-import-each-other',
      severity: 'error',
      from: { path: '^src/workloads/([^/]+)/' },
      to: { path: '^src/workloads/[^/]+/', pathNot: '^src/workloads/$1/' },
    },
    {
      name: 'engine-is-a-light-library',
      comment:
        'The engine is a library: it needs a database, a logger, zod and croner, nothing of the house.',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '(\\.test\\.ts|/testing/)' },
      to: { dependencyTypes: ['npm', 'npm-optional'], pathNot: '^node_modules/(zod|pg|uuid|croner)/' },
    },
    {
      name: 'the-test-kit-is-for-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testkit/' },
      to: { path: '^src/testkit/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.test\\.ts|\\.conformance\\.ts|/testing/)' },
      to: { path: '(\\.test\\.ts$|/testing/|^test/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
