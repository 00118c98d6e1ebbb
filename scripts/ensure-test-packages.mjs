// Installs what the tests need from the system's package manager: a browser, a connection pooler and Prometheus.
// As root on a Debian-like system it installs what is missing; elsewhere it says what to install.
import { spawnSync } from 'node:child_process';

const needed = [
  { program: 'chromium', packages: ['chromium', 'fonts-liberation'], what: 'the browser tests' },
  { program: 'openssl', packages: ['openssl'], what: 'the TLS test' },
  { program: 'pgbouncer', packages: ['pgbouncer'], what: 'the pooler tests' },
  { program: 'promtool', packages: ['prometheus'], what: 'the tests with Prometheus' },
];

const missing = needed.filter(({ program }) => !has(program));
if (missing.length > 0) {
  const packages = missing.flatMap((need) => need.packages);
  const canInstall = process.getuid?.() === 0 && has('apt-get');
  if (!canInstall) {
    for (const need of missing) {
      process.stderr.write(
        `${need.program} is missing: ${need.what} are skipped. Install: ${need.packages.join(' ')}\n`,
      );
    }
  } else {
    process.stdout.write(`Installing ${packages.join(', ')} for the tests …\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update', '-qq'], env);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], env);
  }
}

function has(program) {
  return (
    spawnSync('sh', ['-c', `command -v ${program}`], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    }).status === 0
  );
}

function run(command, args, env) {
  const { status, stderr, stdout } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 600_000 });
  if (status === 0) return;
  process.stderr.write(`${stdout}\n${stderr}\n${command} ${args.join(' ')} failed (exit code ${status}).\n`);
  process.exit(1);
}
