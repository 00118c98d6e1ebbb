import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { signalbox } from './support/signalbox.js';

let home: TemporaryHome;
beforeEach(async () => {
  home = await temporaryHome();
});
afterEach(() => home.remove());

it('the demo enhances a photograph on the embedded database and stops cleanly without a terminal', async () => {
  const file = join(home.path, 'demo.json');
  const { code, stdout } = await signalbox(['demo', '--json', file], {
    SIGNALBOX_HOME: join(home.path, 'home'),
    PORT: '0',
  });
  expect(stdout).toContain('/admin/dashboard');
  expect(code).toBe(0);
  const { steps } = JSON.parse(await readFile(file, 'utf8')) as {
    steps: { name: string; ok: boolean; ms: number }[];
  };
  expect(steps.map(({ name, ok }) => `${name} ${ok}`)).toEqual([
    'start true',
    'upload true',
    'enqueue true',
    'process true',
    'download true',
    'check true',
  ]);
});

it('the demo says why it cannot work, with another exit code', async () => {
  const env = { SIGNALBOX_HOME: join(home.path, 'home'), PORT: '0', IMAGES_MAX_UPLOAD: '1kb' };
  const { code, stdout } = await signalbox(['demo'], env);
  expect(code).toBe(1);
  expect(stdout).toContain('The demo failed at "upload"');
});
