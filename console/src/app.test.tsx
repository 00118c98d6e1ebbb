import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { App } from './app.js';
import { answer, FakeApi, problem } from './testing/fake-api.js';
import { renderWithQueries } from './testing/render.js';
import {
  failedJob,
  noCounts,
  sampleAlert,
  sampleFinding,
  sampleJob,
  sampleOverview,
  sampleWorker,
} from './testing/samples.js';

let api: FakeApi;
beforeEach(() => {
  api = new FakeApi().install();
});

const headlineText = () => screen.getByRole('heading', { level: 1 }).textContent;
const cell = (label: string) => screen.getByRole('button', { name: new RegExp(`^${label}`) }).textContent;

describe('the page', () => {
  it('shows dashes until it knows', () => {
    api.on('GET /api/v1/overview', () => new Promise(() => undefined));
    renderWithQueries(<App />);
    expect(headlineText()).toBe('Asking for the state of work');
    expect(cell('Queued')).toBe('Queued–');
    expect(screen.queryByText('No jobs yet')).toBeNull();
    expect(screen.queryByText('No worker')).toBeNull();
  });

  it('shows counts, jobs, workers and their age, live', async () => {
    api.overview(sampleOverview());
    renderWithQueries(<App />);
    await screen.findByText('All work is moving');
    expect(cell('Succeeded')).toBe('Succeeded18,432');
    expect(screen.queryByRole('button', { name: /^Blocked/ })).toBeNull();
    expect(screen.getByRole('link', { name: 'images.enhance' })).toBeTruthy();
    expect(screen.getByText(/updated/).parentElement?.textContent).toMatch(/updated \d s ago/);
    await waitFor(() => expect(api.streams).toBe(1));
    act(() => api.sendOverview(sampleOverview({ counts: { ...noCounts, blocked: 4 } })));
    await screen.findByText('Live', { selector: '[role=status]' });
    expect(cell('Blocked')).toBe('Blocked4');
  });

  it('keeps a dash where the server gives no number', async () => {
    api.overview(sampleOverview({ counts: { queued: 1 } }));
    renderWithQueries(<App />);
    await screen.findByText('All work is moving');
    expect(cell('Failed')).toBe('Failed–');
  });

  it('shows progress, errors and every kind of worker', async () => {
    api.overview(
      sampleOverview({
        recent_jobs: [
          sampleJob({
            id: 'a',
            status: 'processing',
            attempt: 1,
            started_at: '2026-11-20T11:59:51.000Z',
            progress: { fraction: 0.42, message: 'Denoising' },
          }),
          failedJob({ id: 'b' }),
        ],
        workers: [
          sampleWorker(),
          sampleWorker({ id: '2', hostname: 'beta', status: 'draining', queues: ['mail'] }),
          sampleWorker({ id: '3', hostname: 'gamma', live: false, concurrency: 0 }),
        ],
      }),
    );
    renderWithQueries(<App />);
    expect((await screen.findByRole('progressbar')).getAttribute('aria-valuenow')).toBe('42');
    expect(screen.getByText('sandbox_unreachable: It did not answer.')).toBeTruthy();
    const workers = within(screen.getByRole('region', { name: 'Workers' }));
    for (const word of ['Live', 'Draining', 'Dead', '2 of 3 live'])
      expect(workers.getByText(word)).toBeTruthy();
    expect(workers.getAllByText(/heartbeat \d s ago/)).toHaveLength(3);
  });

  it('puts work that nobody does first, with what mends it', async () => {
    const other = { ...sampleFinding, queue: 'mail', waiting: 1 };
    api.overview(sampleOverview({ findings: [sampleFinding, other] }));
    renderWithQueries(<App />);
    const list = within(await screen.findByRole('list', { name: 'Work that nobody does' }));
    expect(list.getByText('3 jobs wait in queue images and no worker runs them.')).toBeTruthy();
    expect(list.getAllByText(/2 m 14 s/)).toHaveLength(2);
    expect(list.getAllByRole('button', { name: 'Copy the command' })).toHaveLength(2);
    expect(document.title).toContain('⚠');
  });

  it('shows what fires, with what mends it and who looks after it', async () => {
    const firing = [sampleAlert, { ...sampleAlert, id: 'other', rule: 'NoLeader', acknowledged_by: 'ada' }];
    api.overview(sampleOverview({ alerts: { evaluated_at: null, age_ms: null, firing } }));
    renderWithQueries(<App />);
    const list = within(await screen.findByRole('region', { name: 'Alerts' }));
    expect(list.getByText('2 alerts')).toBeTruthy();
    expect(list.getByText('ScheduleMissed')).toBeTruthy();
    expect(list.getByText(/looked after by ada/)).toBeTruthy();
    expect(list.getAllByText('Its last error says why.')).toHaveLength(2);
  });

  it('says which error keeps a schedule from firing', async () => {
    const failing = {
      ...sampleFinding,
      ...{ code: 'schedule_failing', queue: null, schedule: 'nightly', waiting: 0 },
      message: 'Schedule "nightly" could not enqueue its job: there is no task "tidy".',
      remedy: 'Correct its task or its input, or pause it.',
    };
    api.overview(sampleOverview({ findings: [failing] }));
    renderWithQueries(<App />);
    const list = within(await screen.findByRole('list', { name: 'Work that nobody does' }));
    expect(list.getByText(/there is no task "tidy"/)).toBeTruthy();
    expect(list.getByText(/^It has lasted for/)).toBeTruthy();
    expect(list.getByText('Correct its task or its input, or pause it.')).toBeTruthy();
  });

  it('goes to the alert that a notification leads to, once it is there', async () => {
    const seen: string[] = [];
    Element.prototype.scrollIntoView = function scrolled() {
      seen.push(this.id);
    };
    history.replaceState(null, '', `#alert-${sampleAlert.id}`);
    const firing = [{ ...sampleAlert, id: 'other', rule: 'NoLeader' }, sampleAlert];
    const overview = sampleOverview({ alerts: { evaluated_at: null, age_ms: null, firing } });
    api.overview(overview);
    renderWithQueries(<App />);
    await screen.findByText('ScheduleMissed');
    await waitFor(() => expect(api.streams).toBe(1));
    act(() => api.sendOverview(overview));
    expect(seen).toEqual([`alert-${sampleAlert.id}`]);
    const meant = screen.getAllByRole('listitem').filter((item) => item.hasAttribute('aria-current'));
    expect(meant.map(({ id }) => id)).toEqual(seen);
    history.replaceState(null, '', location.pathname);
  });

  it('teaches when there is nothing yet', async () => {
    api.overview(sampleOverview({ counts: noCounts, recent_jobs: [], workers: [] }));
    renderWithQueries(<App />);
    await screen.findByText('No jobs yet');
    const commands = [...document.querySelectorAll('code')].map((code) => code.textContent);
    expect(commands[0]).toContain(`curl ${location.origin}/jobs -F asset_id=$id`);
    expect(commands).toContain('signalbox start --worker');
  });

  it('pauses by its button and goes on', async () => {
    api.overview(sampleOverview());
    renderWithQueries(<App />);
    await waitFor(() => expect(api.streams).toBe(1));
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
    await screen.findByText('Paused');
    expect(screen.getByText(/^As of/)).toBeTruthy();
    expect(api.streams).toBe(0);
    fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
    await waitFor(() => expect(api.streams).toBe(1));
  });

  it('pauses while nobody sees it', async () => {
    api.overview(sampleOverview());
    renderWithQueries(<App />);
    await waitFor(() => expect(api.streams).toBe(1));
    const seen = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    act(() => void document.dispatchEvent(new Event('visibilitychange')));
    expect(api.streams).toBe(0);
    seen.mockReturnValue('visible');
    act(() => void document.dispatchEvent(new Event('visibilitychange')));
    await waitFor(() => expect(api.streams).toBe(1));
  });
});

describe('the jobs of one state', () => {
  it('are read from the API and kept in the address', async () => {
    api.overview(sampleOverview()).on('GET /jobs', () => answer({ items: [failedJob()], next_cursor: null }));
    renderWithQueries(<App />);
    await screen.findByText('All work is moving');
    fireEvent.click(screen.getByRole('button', { name: /^Failed/ }));
    await screen.findByRole('heading', { name: 'Failed jobs' });
    await screen.findByText('sandbox_unreachable: It did not answer.');
    expect(location.search).toBe('?status=failed');
    expect(api.requests.find(({ url }) => url.startsWith('/jobs'))?.url).toContain('status=failed');
    fireEvent.click(screen.getByRole('button', { name: 'Show all states' }));
    expect(location.search).toBe('');
    expect(screen.getByRole('heading', { name: 'Recent jobs' })).toBeTruthy();
  });

  it('say when there are none, and when they cannot be read', async () => {
    history.replaceState(null, '', '?status=retrying');
    api.overview(sampleOverview()).on('GET /jobs', () => answer({ items: [], next_cursor: null }));
    renderWithQueries(<App />);
    await screen.findByText('No job is retrying now.');
    api.on('GET /jobs', () => problem(403, 'permission_denied', 'Not with this key.'));
    fireEvent.click(screen.getByRole('button', { name: /^Queued/ }));
    await screen.findByText(/could not be read: Not with this key/);
  });

  it('ignore a state that is none', async () => {
    history.replaceState(null, '', '?status=toString');
    api.overview(sampleOverview());
    renderWithQueries(<App />);
    await screen.findByRole('heading', { name: 'Recent jobs' });
  });
});

describe('rows under the pointer', () => {
  it('stay where they are until it leaves', async () => {
    const first = sampleJob({ id: 'one', task: 'first' });
    api.overview(sampleOverview({ recent_jobs: [first] }));
    renderWithQueries(<App />);
    const table = await screen.findByRole('table');
    await waitFor(() => expect(api.streams).toBe(1));
    const move = new MouseEvent('pointermove', { bubbles: true });
    fireEvent(table, Object.defineProperty(move, 'pointerType', { value: 'mouse' }));
    const done = { ...first, status: 'succeeded' as const };
    act(() =>
      api.sendOverview(sampleOverview({ recent_jobs: [sampleJob({ id: 'two', task: 'second' }), done] })),
    );
    const more = await screen.findByRole('button', { name: /1 newer/ });
    expect(within(table).queryByText('second')).toBeNull();
    expect(within(table).getAllByText('Succeeded').length).toBeGreaterThan(0);
    fireEvent.click(more);
    expect(within(table).getByText('second')).toBeTruthy();
  });
});

describe('the API key', () => {
  const guarded = (key: string) => {
    const guard = (request: { headers: Headers }) =>
      request.headers.get('authorization') === `Bearer ${key}`
        ? answer(sampleOverview())
        : problem(401, 'unauthenticated', 'Send a key.');
    api.on('GET /api/v1/overview', guard).on('GET /api/v1/overview/stream', guard);
  };
  const enter = (key: string) => {
    fireEvent.change(screen.getByLabelText('API key'), { target: { value: key } });
    fireEvent.submit(screen.getByLabelText('API key'));
  };

  it('is asked for, refused when wrong, kept for the tab when right, and forgotten', async () => {
    guarded('right');
    renderWithQueries(<App />);
    await screen.findByLabelText('API key');
    expect(screen.getByRole('alert').textContent).toBe('');
    enter('two words');
    expect(screen.getByRole('alert').textContent).toContain('no spaces');
    enter('wrong');
    await screen.findByText(/was not accepted/);
    enter(' right ');
    await screen.findByText('All work is moving');
    expect(sessionStorage.getItem('signalbox.api-key')).toBe('right');
    fireEvent.click(screen.getByRole('button', { name: 'Forget the API key' }));
    await screen.findByLabelText('API key');
    expect(sessionStorage.getItem('signalbox.api-key')).toBeNull();
  });

  it('may lack the permission', async () => {
    api.on('GET /api/v1/overview', () => problem(403, 'permission_denied', 'No.'));
    renderWithQueries(<App />);
    await screen.findByText(/may not read the overview/);
  });

  it('lasts until the reload where storage is forbidden', async () => {
    guarded('right');
    for (const name of ['getItem', 'setItem', 'removeItem'] as const) {
      vi.spyOn(Storage.prototype, name).mockImplementation(() => {
        throw new DOMException('no', 'SecurityError');
      });
    }
    renderWithQueries(<App />);
    await screen.findByLabelText('API key');
    enter('right');
    await screen.findByText('All work is moving');
  });
});

describe('the theme', () => {
  it('follows the choice and remembers it', async () => {
    api.overview(sampleOverview());
    renderWithQueries(<App />);
    fireEvent.click(screen.getByLabelText('Dark theme'));
    expect(document.documentElement.dataset.theme).toBe('dark');
    expect(localStorage.getItem('signalbox.theme')).toBe('dark');
    fireEvent.click(screen.getByLabelText('System theme'));
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });
});
