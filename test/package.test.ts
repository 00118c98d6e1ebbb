import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** As a dependent imports it: by the package's name, from what was built. */
async function evaluate(script: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
  });
  return JSON.parse(stdout);
}

it('the package gives the engine and the test kit, which know each other’s classes', async () => {
  const script = `
    import { PermanentError, task } from 'signalbox';
    import { performJob, testEngine } from 'signalbox/testing';
    import { z } from 'zod';
    const broken = task({ name: 'x', input: z.object({}), run: async () => { throw new PermanentError('no'); } });
    const { outcome, reason } = await performJob(broken, {});
    console.log(JSON.stringify([typeof testEngine, outcome, reason]));`;
  expect(await evaluate(script)).toEqual(['function', 'failed', 'permanent_error']);
});
