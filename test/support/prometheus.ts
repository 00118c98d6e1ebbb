import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/cli/demo/free-port.js';

const rules = fileURLToPath(new URL('../../deploy/prometheus/signalbox.rules.yml', import.meta.url));

export const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;

/** A real Prometheus with the rules of this repository, which scrapes one address every ten seconds. */
export class Prometheus {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(target: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-prometheus-'));
    await copyFile(rules, join(folder, 'signalbox.rules.yml'));
    const job = { job_name: 'signalbox', static_configs: [{ targets: [new URL(target).host] }] };
    const config = {
      global: { scrape_interval: '10s', evaluation_interval: '10s' },
      rule_files: ['signalbox.rules.yml'],
      scrape_configs: [job],
    };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort('127.0.0.1', 0)}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    // It tells on the way that it is ready; read on, or it would wait for a reader.
    let said = '';
    const ready = new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-20_000);
        if (said.includes('Server is ready to receive web requests')) resolve();
      });
      child.once('exit', () => reject(new Error(`Prometheus ended: ${said}`)));
    });
    await ready;
    return new Prometheus(`http://${address}`, child, folder);
  }

  /** Names of the alerts in a state. */
  async alerts(state: 'pending' | 'firing'): Promise<string[]> {
    const answer = (await (await fetch(`${this.url}/api/v1/alerts`)).json()) as {
      data: { alerts: { state: string; labels: { alertname: string } }[] };
    };
    return answer.data.alerts.filter((one) => one.state === state).map(({ labels }) => labels.alertname);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true });
  }
}
