import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'server',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          globalSetup: ['src/database/testing/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      'console',
    ],
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'console/src/**/*.{ts,tsx}'],
      exclude: [
        '**/*.test.{ts,tsx}',
        '**/testing/**',
        '**/*.conformance.ts',
        'console/src/api/schema.d.ts',
        'console/src/main.tsx',
      ],
      reporter: ['text-summary', 'json-summary'],
      thresholds: {
        'src/**/*.ts': { lines: 70 },
        'console/src/**/*.{ts,tsx}': { lines: 70 },
      },
    },
  },
});
