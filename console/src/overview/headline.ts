import type { Finding, Overview } from '../api/types.js';
import { formatClock, plural } from '../display/format.js';
import type { FeedSnapshot } from '../live/overview-feed.js';

/** `unknown`: the page has no right to say anything about now. */
export type Tone = 'good' | 'calm' | 'bad' | 'unknown';

export interface Headline {
  readonly tone: Tone;
  readonly sentence: string;
  /** Where the sentence comes from, with numbers. */
  readonly detail: string;
}

/** The state of everything in one sentence. A sentence about now is only said on numbers of now. */
export function headline(
  feed: Pick<FeedSnapshot, 'connection' | 'overview' | 'receivedAt' | 'problem'>,
): Headline {
  const { overview, connection, receivedAt, problem } = feed;
  if (overview === null) {
    const failed = problem !== null;
    return {
      tone: 'unknown',
      sentence: failed ? 'Signalbox does not answer' : 'Asking for the state of work',
      detail: failed ? `${problem.message} Trying again.` : 'The first numbers arrive in a moment.',
    };
  }
  const now = judge(overview);
  const since = receivedAt === null ? '' : formatClock(receivedAt);
  if (connection === 'stale') {
    return {
      tone: 'unknown',
      sentence: `No news since ${since}`,
      detail: `Last known: ${now.sentence}. ${now.detail}`,
    };
  }
  if (connection === 'paused') {
    return { ...now, detail: `As of ${since}, paused. ${now.detail}` };
  }
  return now;
}

function judge(overview: Overview): Headline {
  const { findings, counts, workers } = overview;
  const detail = summary(overview);
  const first = findings[0];
  if (first !== undefined) {
    return {
      tone: 'bad',
      sentence: findings.length === 1 ? findingSentence(first) : manyFindings(findings),
      detail,
    };
  }
  const active = (counts.queued ?? 0) + (counts.processing ?? 0) + (counts.retrying ?? 0);
  if (active > 0) return { tone: 'good', sentence: 'All work is moving', detail };
  const later = (counts.scheduled ?? 0) + (counts.blocked ?? 0);
  if (later > 0) return { tone: 'good', sentence: 'Nothing to do until the next scheduled job', detail };
  if (!workers.some((worker) => worker.live)) {
    return { tone: 'calm', sentence: 'No worker is running', detail: `${detail} New jobs would wait.` };
  }
  const ever = Object.values(counts).some((count) => count > 0);
  return ever
    ? { tone: 'good', sentence: 'All work is done', detail }
    : { tone: 'calm', sentence: 'Ready for the first job', detail };
}

/** Without the age of the wait: the sentence is announced, and must change only when the state does. */
export function findingSentence(finding: Finding): string {
  const { waiting, queue, tasks, schedule } = finding;
  const jobs = plural(waiting, 'job');
  const [wait, them, belong] = waiting === 1 ? ['waits', 'it', 'belongs'] : ['wait', 'them', 'belong'];
  switch (finding.code) {
    case 'no_live_worker':
      return `${jobs} ${wait} in queue ${queue} and no worker runs ${them}`;
    case 'no_worker_for_task':
      return `${jobs} ${wait} in queue ${queue} and none of its workers knows ${tasks.join(', ')}`;
    case 'not_taken':
      return `${jobs} ${wait} in queue ${queue} although workers have free slots`;
    case 'worker_lost':
      return `${jobs} in queue ${queue} ${belong} to a dead worker`;
    case 'attempt_overrun':
      return `${plural(waiting, 'attempt')} in queue ${queue} ${waiting === 1 ? 'runs' : 'run'} on after the time-out`;
    case 'not_promoted':
      return `The time of ${jobs} in queue ${queue} has come and nobody queues ${them}`;
    case 'no_leader':
      return 'No process does the housekeeping';
    case 'canary_unanswered':
      return `The workers of queue ${queue} do not take work`;
    case 'schedule_late':
      return `Schedule ${schedule} is due and nobody fires it`;
    case 'schedule_failing':
      return `Schedule ${schedule} cannot enqueue its job`;
    default:
      return finding.message;
  }
}

function manyFindings(findings: readonly Finding[]): string {
  const ignored = findings.filter(({ waiting, queue }) => waiting > 0 && queue !== null);
  if (ignored.length < findings.length) return `${findings.length} things keep work from being done`;
  const waiting = ignored.reduce((sum, finding) => sum + finding.waiting, 0);
  const queues = new Set(ignored.map(({ queue }) => queue)).size;
  return `${plural(waiting, 'job')} in ${plural(queues, 'queue')} ${waiting === 1 ? 'is' : 'are'} accepted and nobody does ${waiting === 1 ? 'it' : 'them'}`;
}

function summary({ counts, workers }: Overview): string {
  const live = workers.filter((worker) => worker.live);
  const slots = live.reduce((sum, worker) => sum + worker.concurrency, 0);
  const waiting = (counts.queued ?? 0) + (counts.retrying ?? 0);
  const parts = [
    counts.processing === undefined ? null : `${plural(counts.processing, 'job')} running`,
    counts.queued === undefined ? null : `${plural(waiting, 'job')} waiting`,
    live.length === 0
      ? 'no live worker'
      : `${plural(live.length, 'live worker')} with ${plural(slots, 'slot')}`,
  ];
  const sentence = `${parts.filter((part) => part !== null).join(', ')}.`;
  const failed = counts.failed ?? 0;
  const appeal =
    failed === 0 ? '' : ` ${plural(failed, 'failed job')} ${failed === 1 ? 'waits' : 'wait'} for a decision.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + appeal;
}
