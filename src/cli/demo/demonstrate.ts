import { readFile } from 'node:fs/promises';
import { messageOf } from '../../foundation/errors.js';
import { paint } from '../output.js';
import { DemoClient } from './client.js';
import { compare } from './compare.js';
import { progressLine } from './progress-line.js';

/** One row of the demo's table. */
export interface DemoStep {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

export interface DemoOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly terminal: boolean;
  /** Filled as the demo goes on, so that a failure shows how far it came. */
  readonly steps: DemoStep[];
  readonly say: (line: string) => void;
}

const photo = new URL('../../../assets/demo/photo.jpg', import.meta.url);

interface Asset {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

interface JobView {
  readonly id: string;
  readonly status: string;
  readonly output_url?: string;
  readonly error: { readonly message: string } | null;
}

/** Sends a photograph through the running system over HTTP and checks what comes back. Stops at the first failure. */
export async function demonstrate(options: DemoOptions): Promise<void> {
  const client = new DemoClient(options.url, options.apiKey);
  const original = await readFile(photo);
  const step = stepRunner(options);

  const asset = await step('upload', async () => {
    const form = new FormData();
    form.set('file', new Blob([original], { type: 'image/jpeg' }), 'photo.jpg');
    const made = await client.json<Asset>('/assets', 201, { method: 'POST', body: form });
    return [made, `POST /assets took ${megabytes(made.bytes)}, ${made.width} × ${made.height} pixels`];
  });
  if (!asset) return;

  const accepted = await step('enqueue', async () => {
    const form = new FormData();
    form.set('asset_id', asset.id);
    form.set('prompt', 'A clear, natural landscape');
    form.set('tier', 'premium');
    const job = await client.json<JobView>('/jobs', 202, { method: 'POST', body: form });
    return [job, `POST /jobs accepted job ${job.id}`];
  });
  if (!accepted) return;

  const finished = await step('process', async () => {
    const line = progressLine(options);
    for await (const event of client.events(`/jobs/${accepted.id}/events`)) line.show(event);
    line.end();
    const job = await client.json<JobView>(`/jobs/${accepted.id}`, 200);
    if (job.status !== 'succeeded')
      throw new Error(`the job is ${job.status}: ${job.error?.message ?? 'no error'}`);
    return [job, 'queued → processing → succeeded, watched over GET /jobs/:id/events'];
  });
  if (!finished) return;

  const output = await step('download', async () => {
    const got = await client.bytes(finished.output_url ?? `/jobs/${finished.id}/output`);
    return [got, `${megabytes(got.body.length)} of ${got.type}`];
  });
  if (!output) return;

  await step('check', async () => [true, await compare(original, output.body, output.type)]);
}

type Work<T> = () => Promise<[T, string]>;

function stepRunner({ steps, say }: DemoOptions): <T>(name: string, work: Work<T>) => Promise<T | undefined> {
  return async (name, work) => {
    const started = performance.now();
    const ms = () => Math.round(performance.now() - started);
    try {
      const [value, detail] = await work();
      steps.push({ name, ok: true, ms: ms(), detail });
      say(`${paint.green('✓')} ${name}: ${detail}`);
      return value;
    } catch (error) {
      steps.push({ name, ok: false, ms: ms(), detail: messageOf(error) });
      return undefined;
    }
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
