import { fireEvent, screen, waitFor } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiProblem } from '../api/problem.js';
import type { Job } from '../api/types.js';
import { App } from '../app.js';
import { answer, FakeApi, problem } from '../testing/fake-api.js';
import { renderWithQueries } from '../testing/render.js';
import { at, failedJob, sampleJob, sampleOverview } from '../testing/samples.js';
import { whyNotCancel, whyNotRetry } from './job-actions.js';
import { outputPath } from './job-output.js';
import { retryQuery } from './queries.js';

const id = sampleJob().id;
const path = `/jobs/${id}`;
let api: FakeApi;

beforeEach(() => {
  api = new FakeApi().install().overview(sampleOverview());
  api.on(`GET ${path}/explain`, () =>
    answer({
      job_id: id,
      status: 'failed',
      summary: 'All 5 attempts failed.',
      reasons: [
        {
          code: 'failed',
          message: 'All 5 attempts failed.',
          remedy: `Once the cause is gone: signalbox jobs retry ${id}`,
        },
        { code: 'next', message: 'A second reason.', remedy: 'signalbox start' },
      ],
      estimated_start: null,
    }),
  );
  api.on(`GET ${path}/logs`, () => answer({ items: [], next_cursor: null }));
});

function show(job: Job) {
  api.on(`GET ${path}`, () => answer(job));
  history.replaceState(null, '', `?job=${id}`);
  return renderWithQueries(<App />);
}

const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });

describe('the panel of a job', () => {
  it('opens from its row and closes again', async () => {
    api.on(`GET ${path}`, () => answer(sampleJob()));
    renderWithQueries(<App />);
    fireEvent.click(await screen.findByRole('link', { name: 'images.enhance' }));
    const dialog = await screen.findByRole('dialog');
    expect(location.search).toBe(`?job=${id}`);
    await screen.findByRole('heading', { name: 'images.enhance', level: 2 });
    fireEvent(dialog, new Event('cancel', { cancelable: true }));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(location.search).toBe('');
  });

  it('leaves a click with a key held to the browser', async () => {
    renderWithQueries(<App />);
    const link = await screen.findByRole('link', { name: 'images.enhance' });
    expect(link.getAttribute('href')).toBe(`/admin/dashboard/?job=${id}`);
    link.addEventListener('click', (event) => event.preventDefault());
    fireEvent.click(link, { ctrlKey: true });
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('closes by its button and by a click beside it', async () => {
    show(sampleJob());
    fireEvent.click(await screen.findByRole('heading', { name: 'images.enhance', level: 2 }));
    expect(screen.queryByRole('dialog')).not.toBeNull();
    fireEvent.click(screen.getByRole('dialog'));
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('explains, shows the error, the input and what to do', async () => {
    show(failedJob({ result: { ok: false }, tags: ['a', 'b'] }));
    await screen.findByText('All 5 attempts failed.');
    expect(screen.getByText('Once the cause is gone:')).toBeTruthy();
    expect(screen.getByText('A second reason.')).toBeTruthy();
    expect(screen.getByRole('heading', { name: 'sandbox_unreachable' })).toBeTruthy();
    expect(screen.getByText(/at connect/)).toBeTruthy();
    expect(screen.getByText('a, b')).toBeTruthy();
    expect(screen.getByText('Input')).toBeTruthy();
    expect(screen.getByText('Result')).toBeTruthy();
    expect(screen.getByText('The handler has written nothing yet.')).toBeTruthy();
  });

  it('shows the tail of long logs over several pages', async () => {
    const line = (seq: number) => ({
      seq,
      at,
      attempt: 1,
      level: 'info',
      message: `line ${seq}`,
      data: { seq },
    });
    api.on(`GET ${path}/logs`, ({ url }) => {
      const from = Number(new URL(url, 'http://x').searchParams.get('cursor') ?? '0');
      return answer({
        items: Array.from({ length: 200 }, (_, i) => line(from + i + 1)),
        next_cursor: String(from + 200),
      });
    });
    show(sampleJob({ status: 'processing', progress: { fraction: 2, message: null } }));
    await screen.findByText('line 1000');
    expect(screen.queryByText('line 900')).toBeNull();
    expect(screen.getByText(/of the first 1,000 lines/)).toBeTruthy();
    fireEvent.scroll(screen.getByRole('list', { name: 'Log lines' }));
    expect(screen.getAllByRole('progressbar').at(-1)?.getAttribute('aria-valuenow')).toBe('100');
  });

  it('says when it is expected to start, and what that rests on', async () => {
    const told = { job_id: id, status: 'queued', summary: 'All 4 slots are busy.' };
    const reason = (name: string) => ({ code: 'paused', message: `Queue ${name} is paused.`, remedy: null });
    api.on(`GET ${path}/explain`, () =>
      answer({
        ...told,
        reasons: [{ code: 'slots_busy', message: told.summary, remedy: null }, reason('a'), reason('b')],
        estimated_start: { at, basis: 'durations', samples: 12 },
      }),
    );
    show(sampleJob());
    const text = (await screen.findByText(/^Expected to start/)).textContent;
    expect(text).toContain('from how long the last 12 attempts took.');
    expect(screen.getByText('Queue a is paused.')).toBeTruthy();
    expect(screen.getByText('Queue b is paused.')).toBeTruthy();
  });

  it('says what is wrong: no such job, no explanation, no logs', async () => {
    history.replaceState(null, '', '?job=gone');
    const { unmount } = renderWithQueries(<App />);
    await screen.findByText(/There is no job with this id/);
    unmount();
    api.on(`GET ${path}/explain`, () => problem(500, 'internal_error', 'Broken.'));
    api.on(`GET ${path}/logs`, () => problem(500, 'internal_error', 'Broken too.'));
    show(sampleJob());
    await screen.findByText('No explanation: Broken.');
    await screen.findByText(/Broken too/);
  });
});

describe('actions', () => {
  it('retries a failed job', async () => {
    let job = failedJob();
    api.on(`POST ${path}/retry`, () => {
      job = sampleJob();
      return answer(job);
    });
    show(job);
    await screen.findByText('All 5 attempts failed.');
    expect(button('Cancel').disabled).toBe(true);
    expect(button('Cancel').title).toBe('It has failed already.');
    api.on(`GET ${path}`, () => answer(job));
    fireEvent.click(button('Retry'));
    await waitFor(() => expect(button('Cancel').disabled).toBe(false));
    expect(button('Retry').disabled).toBe(true);
    expect(api.count(`POST ${path}/retry`)).toBe(1);
  });

  it('cancels a running job, once', async () => {
    let job = sampleJob({ status: 'processing', attempt: 1 });
    api.on(`POST ${path}/cancel`, () => {
      job = { ...job, cancel_requested_at: at };
      return answer(job);
    });
    show(job);
    await screen.findByRole('button', { name: 'Cancel' });
    api.on(`GET ${path}`, () => answer(job));
    fireEvent.click(button('Cancel'));
    await screen.findByRole('button', { name: 'Cancelling' });
    expect(button('Cancelling').disabled).toBe(true);
  });

  it('shows the refusal of the server', async () => {
    api.on(`POST ${path}/cancel`, () => problem(409, 'job_not_cancellable', 'It has just finished.'));
    show(sampleJob());
    await screen.findByRole('button', { name: 'Cancel' });
    fireEvent.click(button('Cancel'));
    await screen.findByText('It has just finished.');
  });

  it('knows what is allowed', () => {
    expect(whyNotCancel({ status: 'cancelled', cancel_requested_at: null })).toContain('been cancelled');
    expect(whyNotCancel({ status: 'processing', cancel_requested_at: at })).toContain('requested');
    expect(whyNotRetry({ status: 'succeeded' })).toContain('new job');
    expect(whyNotRetry({ status: 'queued' })).toContain('not come to its end');
    expect(whyNotRetry({ status: 'cancelled' })).toBeNull();
  });
});

describe('the output', () => {
  it('shows a picture that needs the key', async () => {
    URL.createObjectURL = vi.fn(() => 'blob:picture');
    URL.revokeObjectURL = vi.fn();
    api.on('GET /assets/1/content', () => new Response('x', { headers: { 'content-type': 'image/webp' } }));
    const { unmount } = show(sampleJob({ status: 'succeeded', output_url: '/assets/1/content' }));
    expect((await screen.findByRole('img')).getAttribute('src')).toBe('blob:picture');
    expect(screen.getByRole('link', { name: 'Download' }).getAttribute('href')).toBe('blob:picture');
    unmount();
    expect(URL.revokeObjectURL).toHaveBeenCalledWith('blob:picture');
  });

  it('says when it cannot be read', async () => {
    show(sampleJob({ status: 'succeeded', output_url: '/assets/2' }));
    await screen.findByText(/output could not be read/);
  });

  it('is never asked of another host', () => {
    expect(outputPath('https://elsewhere.example/x')).toBeNull();
    expect(outputPath('//elsewhere.example/x')).toBeNull();
    expect(outputPath(`${location.origin}/a?b=1`)).toBe('/a?b=1');
    expect(outputPath(null)).toBeNull();
  });
});

it('asks again only where another answer is possible', () => {
  expect(retryQuery(0, new ApiProblem(404, 'x', 'x'))).toBe(false);
  expect(retryQuery(0, new ApiProblem(0, 'unreachable', 'x'))).toBe(true);
  expect(retryQuery(2, new ApiProblem(503, 'x', 'x'))).toBe(false);
});
