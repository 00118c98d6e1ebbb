// Builds everything into dist/: the server (tsc, and the SQL it reads) and the console (vite), side by side.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = ['dist/cli/main.js', 'dist/web/index.html'];
if (process.argv.includes('--if-missing') && built.every((file) => existsSync(`${root}/${file}`)))
  process.exit(0);

const started = performance.now();
process.stdout.write('Building the server and the console …\n');

await rm(`${root}/dist`, { recursive: true, force: true });
const results = await Promise.all([
  run('server', 'typescript/bin/tsc', ['-p', 'tsconfig.build.json']),
  run('console', 'vite/bin/vite.js', ['build', '--config', 'console/vite.config.ts', '--logLevel', 'warn']),
]);
await cp(`${root}/src`, `${root}/dist`, {
  recursive: true,
  filter: (path) => !/\.[cm]?tsx?$/.test(path) && !path.endsWith('/testing'),
});
await chmod(`${root}/dist/cli/main.js`, 0o755);
process.stdout.write(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
process.exit(results.every((code) => code === 0) ? 0 : 1);

function run(name, script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${root}/node_modules/${script}`, ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) process.stderr.write(`Building the ${name} failed (exit code ${code}).\n`);
      resolve(code ?? 1);
    });
  });
}
