import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../api/problem.js';
import type { Overview } from '../api/types.js';
import type { Connection } from '../live/overview-feed.js';
import { noCounts, sampleFinding, sampleOverview, sampleWorker } from '../testing/samples.js';
import { findingSentence, headline } from './headline.js';

const receivedAt = new Date(2026, 0, 2, 12, 3, 4).getTime();
const say = (overview: Overview | null, connection: Connection = 'live', problem: ApiProblem | null = null) =>
  headline({ overview, connection, receivedAt: overview && receivedAt, problem });

describe('headline', () => {
  it('claims nothing before the first numbers', () => {
    expect(say(null, 'connecting')).toMatchObject({
      tone: 'unknown',
      sentence: 'Asking for the state of work',
    });
    const failed = say(
      null,
      'reconnecting',
      new ApiProblem(0, 'unreachable', 'The server cannot be reached.'),
    );
    expect(failed.sentence).toBe('Signalbox does not answer');
    expect(failed.detail).toContain('cannot be reached');
  });

  it('says that work moves', () => {
    const { tone, sentence, detail } = say(sampleOverview());
    expect([tone, sentence]).toEqual(['good', 'All work is moving']);
    expect(detail).toBe('2 jobs running, 1 job waiting, 1 live worker with 8 slots.');
  });

  it('reminds of failed jobs', () => {
    const detail = (failed: number) => say(sampleOverview({ counts: { ...noCounts, failed } })).detail;
    expect(detail(1)).toContain('1 failed job waits for a decision.');
    expect(detail(2)).toContain('2 failed jobs wait for a decision.');
  });

  it('says who waits in vain', () => {
    const { tone, sentence } = say(sampleOverview({ findings: [sampleFinding] }));
    expect(tone).toBe('bad');
    expect(sentence).toBe('3 jobs wait in queue images and no worker runs them');
  });

  it('adds up several findings', () => {
    const findings = [sampleFinding, { ...sampleFinding, code: 'worker_lost', queue: 'mail', waiting: 2 }];
    expect(say(sampleOverview({ findings })).sentence).toBe(
      '5 jobs in 2 queues are accepted and nobody does them',
    );
  });

  it('does not call everything a job', () => {
    const late = { ...sampleFinding, code: 'schedule_late', queue: null, schedule: 'nightly', waiting: 0 };
    expect(say(sampleOverview({ findings: [late] })).sentence).toBe(
      'Schedule nightly is due and nobody fires it',
    );
    expect(say(sampleOverview({ findings: [sampleFinding, late] })).sentence).toBe(
      '2 things keep work from being done',
    );
  });

  it.each([
    [{ waiting: 1 }, '1 job waits in queue images and no worker runs it'],
    [{ code: 'worker_lost', waiting: 1 }, '1 job in queue images belongs to a dead worker'],
    [{ code: 'worker_lost', waiting: 2 }, '2 jobs in queue images belong to a dead worker'],
    [
      { code: 'no_worker_for_task' },
      '3 jobs wait in queue images and none of its workers knows images.enhance',
    ],
    [{ code: 'not_taken' }, '3 jobs wait in queue images although workers have free slots'],
    [{ code: 'attempt_overrun', waiting: 1 }, '1 attempt in queue images runs on after the time-out'],
    [{ code: 'not_promoted' }, 'The time of 3 jobs in queue images has come and nobody queues them'],
    [{ code: 'no_leader' }, 'No process does the housekeeping'],
    [{ code: 'schedule_failing', schedule: 'nightly' }, 'Schedule nightly cannot enqueue its job'],
    [{ code: 'something_new', message: 'As told.' }, 'As told.'],
  ])('words a finding %o', (changes, sentence) => {
    expect(findingSentence({ ...sampleFinding, ...changes })).toBe(sentence);
  });

  it.each([
    ['Nothing to do until the next scheduled job', { counts: { ...noCounts, scheduled: 1 } }],
    ['All work is done', { counts: { ...noCounts, succeeded: 1 } }],
    ['Ready for the first job', { counts: noCounts }],
    ['No worker is running', { counts: noCounts, workers: [] }],
    ['No worker is running', { counts: noCounts, workers: [sampleWorker({ live: false })] }],
  ])('%s', (sentence, changes) => {
    expect(say(sampleOverview(changes)).sentence).toBe(sentence);
  });

  it('says nothing of now on old numbers', () => {
    const stale = say(sampleOverview(), 'stale');
    expect(stale).toMatchObject({ tone: 'unknown', sentence: 'No news since 12:03:04' });
    expect(stale.detail).toContain('Last known: All work is moving.');
    expect(say(sampleOverview(), 'paused').detail).toContain('As of 12:03:04, paused.');
  });
});
