import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../../', import.meta.url));
const cache = fileURLToPath(new URL('../../../../node_modules/.cache/signalbox-embedded', import.meta.url));
const parts = ['foundation', 'database/embedded'];

export interface Compiled {
  /** Path of a compiled file, such as `database/embedded/embedded.js`. */
  path(file: string): string;
  /** A folder of this test file's own. */
  readonly scratch: string;
  /** Removes the scratch folder. */
  remove(): void;
}

/**
 * These tests are about processes of their own, which need files that Node can run. They are made from the
 * sources as they are now, not taken from the last build, and lie in the same tree as in `dist`, so that the
 * supervisor's script is found by the same rule. Inside node_modules, because packages are found from there,
 * and under a hash of the sources, because every test file needs the same.
 */
export async function compileSources(): Promise<Compiled> {
  const files = parts.flatMap((part) => sourcesBelow(part));
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(source, file)));
  const root = join(cache, hash.digest('hex').slice(0, 16));
  if (!existsSync(root)) await compileInto(root, files);
  const scratch = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
  return {
    path: (file) => join(root, file),
    scratch,
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

function sourcesBelow(part: string): string[] {
  const names = readdirSync(join(source, part), { recursive: true, encoding: 'utf8' });
  const wanted = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return wanted.sort().map((name) => join(part, name));
}

async function compileInto(root: string, files: readonly string[]): Promise<void> {
  const { default: ts } = await import('typescript');
  const temporary = `${root}.${randomBytes(4).toString('hex')}`;
  for (const file of files) {
    const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(temporary, file.replace(/\.ts$/, '.js'));
    // Another account runs these files in some tests.
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(target, outputText, { mode: 0o644 });
  }
  writeFileSync(join(temporary, 'package.json'), '{"type":"module"}', { mode: 0o644 });
  chmodSync(temporary, 0o755);
  try {
    renameSync(temporary, root);
  } catch (error) {
    // Another test file was quicker, and made the same.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(root)) throw error;
  }
}
