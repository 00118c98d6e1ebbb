import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findNativePackage } from './native-package.js';
import { findSupervisorScript } from './supervisor-spawn.js';
import { compileSources } from './testing/compiled.js';
import { Site } from './testing/site.js';
import type { User } from './testing/user.js';

const compiled = await compileSources();
afterAll(() => compiled.remove());

async function failureOf(user: User): Promise<{ code: string | undefined; message: string | undefined }> {
  const { code, message } = await user.hear(({ event }) => event === 'failed');
  return { code, message };
}

describe('a start that fails', () => {
  it('says why with the end of the server log, to all who wait, and leaves nothing running', async () => {
    const site = await Site.used(compiled);
    const user = site.user();
    const { url } = await user.up();
    await user.stop();
    appendFileSync(join(site.data, 'postgresql.conf'), '\nno_such_setting = 1\n');
    const failures = await Promise.all([failureOf(site.user()), failureOf(site.user())]);
    for (const { code, message } of failures) {
      expect(code).toBe('embedded_start_failed');
      expect(message).toContain('unrecognized configuration parameter "no_such_setting"');
      expect(message).not.toContain(new URL(url).password);
    }
    await site.quiet();
  });

  it('refuses data of another major version', async () => {
    const site = new Site(compiled);
    mkdirSync(join(site.control, 'data'), { recursive: true });
    writeFileSync(join(site.control, 'data', 'PG_VERSION'), '17\n');
    writeFileSync(join(site.control, 'password'), 'x');
    expect(await failureOf(site.user())).toEqual({
      code: 'embedded_data_unusable',
      message: expect.stringContaining('PostgreSQL 17'),
    });
    await site.quiet();
  });

  it('refuses data without its password', async () => {
    const site = new Site(compiled);
    mkdirSync(join(site.control, 'data'), { recursive: true });
    writeFileSync(join(site.control, 'data', 'PG_VERSION'), '18\n');
    expect(await failureOf(site.user())).toMatchObject({ code: 'embedded_data_unusable' });
    await site.quiet();
  });

  it('gives up in time, and so does what it started', async () => {
    const site = new Site(compiled);
    const { code } = await failureOf(site.user({ timeoutMs: 400 }));
    expect(code).toBe('embedded_start_timeout');
    await site.quiet();
  });

  it('names a home that is no folder', async () => {
    const site = new Site(compiled);
    writeFileSync(site.home, '');
    expect(await failureOf(site.user())).toMatchObject({ code: 'embedded_start_failed' });
  });

  it('repeats the last words of a supervisor that cannot start', async () => {
    const site = new Site(compiled);
    mkdirSync(join(site.control, 'supervisor'), { recursive: true });
    const { code, message } = await failureOf(site.user());
    expect(code).toBe('embedded_start_failed');
    expect(message).toContain('EINVAL');
  });
});

describe('what is not there', () => {
  it.each([
    ['win32', 'x64'],
    ['linux', 'riscv64'],
    ['sunos', 'x64'],
  ])('says that %s-%s has no embedded PostgreSQL', (platform, arch) => {
    expect(() => findNativePackage(platform, arch)).toThrow(
      expect.objectContaining({ code: 'embedded_unsupported_platform' }),
    );
  });

  it('says when the package of the platform was not installed', () => {
    const other = process.platform === 'linux' ? ['darwin', 'arm64'] : ['linux', 'ppc64'];
    expect(() => findNativePackage(...other)).toThrow(/is not installed/);
  });

  it('says when the supervisor was not built', () => {
    expect(() => findSupervisorScript('file:///nowhere/a/b/c/x.js')).toThrow(/npm run build/);
  });
});
