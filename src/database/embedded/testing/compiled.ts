import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const source = fileURLToPath(new URL('../../../', import.meta.url));
const cache = fileURLToPath(new URL('../../../../node_modules/.cache', import.meta.url));
const parts = ['foundation', 'database/embedded'];

export interface Compiled {
  /** Path of a compiled file, such as `database/embedded/index.js`. */
  path(file: string): string;
  remove(): void;
}

/**
 * These tests are about processes of their own, which need files that Node can run. They are made from the
 * sources of this very run, not taken from the last build, and lie in the same tree as in `dist`, so that the
 * supervisor's script is found by the same rule. Inside node_modules, because packages are found from there.
 */
export function compileSources(): Compiled {
  mkdirSync(cache, { recursive: true });
  const root = mkdtempSync(join(cache, 'embedded-test-'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  for (const part of parts) {
    for (const name of readdirSync(join(source, part), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts') && !name.endsWith('.test.ts')) compile(join(part, name), root);
    }
  }
  return {
    path: (file) => join(root, file),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function compile(file: string, root: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
    },
  });
  const target = join(root, file.replace(/\.ts$/, '.js'));
  // Another account runs these files in some tests.
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, outputText, { mode: 0o644 });
}
