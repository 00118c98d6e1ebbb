import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Application } from '../../app/application.js';
import { readConfig } from '../../app/config.js';
import { appSection } from '../../app/settings.js';
import { formatDuration } from '../../foundation/time.js';
import { apiKeySection } from '../../identity/settings.js';
import { createLogger } from '../../telemetry/logger.js';
import { commandLogger } from '../context.js';
import { type DemoStep, demonstrate } from '../demo/demonstrate.js';
import { freePort } from '../demo/free-port.js';
import { paint, table } from '../output.js';
import { nextSignal } from '../signals.js';

export function demoCommand(): Command {
  return new Command('demo')
    .description('start everything and enhance a photograph, as a user would')
    .option('--json <file>', 'write the table of steps as JSON')
    .action(async (options: { json?: string }) => {
      process.exitCode = await demo(options.json);
    });
}

async function demo(jsonFile: string | undefined): Promise<number> {
  const asked = nextSignal();
  const steps: DemoStep[] = [];
  const terminal = process.stdout.isTTY === true;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`${paint.bold('Signalbox')}: starting PostgreSQL, a server and a worker …`);
  const application = await startApplication(steps);
  try {
    const key = application.config.get(apiKeySection).apiKey;
    if (application.url !== undefined) {
      await demonstrate({ url: application.url, apiKey: key, steps, say, terminal });
    }
    say(summary(steps, application.url));
    if (jsonFile !== undefined) await writeFile(jsonFile, `${JSON.stringify({ steps }, undefined, 2)}\n`);
    const failed = steps.find((step) => !step.ok);
    if (failed) say(`${paint.red('The demo failed')} at "${failed.name}": ${failed.detail}`);
    if (!failed && terminal) {
      say(`Serving until ${paint.bold('Ctrl-C')}.`);
      await asked.promise;
    }
    return failed ? 1 : 0;
  } finally {
    say('Stopping …');
    await application.stop();
    asked.forget();
  }
}

/** Takes another port when the configured one is taken: a demo must not fail for that. */
async function startApplication(steps: DemoStep[]): Promise<Application> {
  const started = performance.now();
  const wanted = readConfig(process.env).get(appSection);
  const port = await freePort(wanted.host, wanted.port);
  const config = readConfig(process.env, { PORT: String(port) });
  const logger =
    process.env.LOG_LEVEL === undefined ? commandLogger() : createLogger({ level: 'info', pretty: true });
  const application = new Application({ config, logger, roles: { server: true, worker: true } });
  await application.start();
  const ms = Math.round(performance.now() - started);
  steps.push({
    name: 'start',
    ok: true,
    ms,
    detail: `PostgreSQL, server and worker run at ${application.url}`,
  });
  return application;
}

function summary(steps: readonly DemoStep[], url: string | undefined): string {
  const rows = steps.map(({ name, ok, ms, detail }) => [
    ok ? paint.green('✓') : paint.red('✗'),
    name,
    formatDuration(ms),
    detail,
  ]);
  return [
    table(['', 'step', 'took', 'what was done'], rows),
    `Console    ${url}/admin/dashboard`,
    `API        ${url}/docs`,
    `Health     ${url}/health/work`,
  ].join('\n');
}
