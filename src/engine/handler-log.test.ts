import { afterEach, describe, expect, it } from 'vitest';
import { jobSpanId } from '../foundation/job-trace.js';
import type { Logger } from '../foundation/logger.js';
import { HandlerLog } from './handler-log.js';
import { anyTask, Harness } from './testing/harness.js';

const traceParent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function recording(bound: object = {}, lines: Line[] = []): Logger & { readonly lines: Line[] } {
  const to = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    lines,
    debug: to('debug'),
    info: to('info'),
    warn: to('warn'),
    error: to('error'),
    child: (more) => recording({ ...bound, ...more }, lines),
  };
}

describe('what a handler logs', () => {
  let harness: Harness;
  afterEach(() => harness.stop());

  it('is in the log of the process too, with what the job is; so is what the engine says of the attempt', async () => {
    const logger = recording();
    const traced = anyTask('traced', async (_input, { job, log }) => {
      log('info', 'half way', { n: 1, job_id: 'posing', level: 'error' });
      if (job.attempt === 1) throw new Error('once');
    });
    harness = await Harness.start([traced], logger);
    const worker = await harness.worker();
    const { id } = await harness.engine.enqueue(traced, {}, { traceParent, maxAttempts: 2 });
    await harness.until(id, 'succeeded');
    const fields = {
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      job_id: id,
      task: 'traced',
      queue: 'default',
      worker: worker.id,
    };
    const span = (attempt: number) => ({ attempt, span_id: jobSpanId(id, 'process', attempt) });
    const data = { n: 1, job_id: 'posing', level: 'error' };
    const ofJob = logger.lines.filter((line) => line.fields.job_id === id);
    expect(ofJob.filter(({ message }) => message === 'half way')).toEqual([
      { level: 'info', message: 'half way', fields: { ...fields, ...span(1), data } },
      { level: 'info', message: 'half way', fields: { ...fields, ...span(2), data } },
    ]);
    expect(ofJob).toContainEqual({
      level: 'warn',
      message: 'attempt retrying',
      fields: expect.objectContaining({ ...fields, ...span(1), error: 'once' }),
    });
    expect((await harness.engine.jobs.logs(id)).map(({ message }) => message)).toEqual([
      'half way',
      'half way',
    ]);
  });

  it('cannot flood: so many lines, then a count, and the errors all the same', async () => {
    const logger = recording();
    const noisy = anyTask('noisy', async (_input, { log }) => {
      for (let n = 0; n < 5_000; n += 1) log('info', `line ${n}`);
      for (let n = 0; n < 5; n += 1) log('error', `broken ${n}`);
    });
    harness = await Harness.start([noisy], logger, { handlerLogRate: 2 });
    await harness.worker();
    const { id } = await harness.engine.enqueue(noisy, {});
    await harness.until(id, 'succeeded');
    const messages = logger.lines.filter(({ fields }) => fields.job_id === id).map(({ message }) => message);
    const lines = messages.filter((message) => message.startsWith('line')).length;
    expect(lines).toBeGreaterThanOrEqual(20);
    expect(lines).toBeLessThan(200);
    expect(messages.filter((message) => message.startsWith('broken'))).toHaveLength(5);
    expect(messages).toContain(`${5_000 - lines} lines of a handler were left out: they came too fast`);
  });
});

describe('a line below the level of the log', () => {
  it('takes nothing from the others', () => {
    const lines = recording();
    const logger: Logger = { ...lines, isLevelEnabled: (level) => level !== 'debug' };
    const job = { id: 'j', task: 't', queue: 'q', attempt: 1, workerId: 'w', traceParent: null };
    const log = new HandlerLog(logger, job, 1);
    for (let n = 0; n < 1_000; n += 1) log.write('debug', 'quiet');
    log.write('info', 'heard', { circular: 1n });
    log.close();
    expect(lines.lines).toEqual([
      {
        level: 'info',
        message: 'heard',
        fields: expect.objectContaining({ job_id: 'j', task: 't', queue: 'q', data: { unstorable: true } }),
      },
    ]);
  });
});
