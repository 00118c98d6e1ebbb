import { formatDuration } from '../../foundation/time.js';
import type { Message, Notice, NoticeKind } from './message.js';

const maxTitle = 200;
const maxText = 1_000;
const maxLabels = 20;

/**
 * One line that is safe to put anywhere: no line breaks, no control characters, none that turn the direction of
 * writing, and no longer than `max`. Rules' texts carry names that users chose.
 */
export function oneLine(text: string, max: number): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .trim();
  return clip(line, max);
}

/** At most `max` characters, the cut shown. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}

/** An absolute http(s) URL as the browser would write it, or nothing. */
export function safeLink(link: string | null): string | undefined {
  if (link === null || !URL.canParse(link)) return undefined;
  const { protocol, href } = new URL(link);
  return (protocol === 'https:' || protocol === 'http:') && href.length <= 2_000 ? href : undefined;
}

/** The message in one line. */
export function titleOf({ notices }: Message): string {
  const [first, ...rest] = notices;
  if (rest.length === 0) return oneLine(`${stateOf(first)} ${first.rule}: ${first.summary}`, maxTitle);
  const bad = notices.filter(({ kind }) => kind !== 'resolved' && kind !== 'brief').length;
  const good = notices.length - bad;
  const counts = [bad > 0 ? `${bad} firing` : '', good > 0 ? `${good} resolved` : ''];
  const rules = [...new Set(notices.map(({ rule }) => rule))];
  const names = `${rules.slice(0, 4).join(', ')}${rules.length > 4 ? ` and ${rules.length - 4} more` : ''}`;
  return oneLine(`[${counts.filter((part) => part !== '').join(', ')}] ${names}`, maxTitle);
}

export interface NoticeText {
  readonly headline: string;
  readonly lines: readonly string[];
  readonly link: string | undefined;
}

/** One notice for people to read. Every line is safe to put anywhere; markup is the adapter's to escape. */
export function textOf(notice: Notice): NoticeText {
  const labels = Object.entries(notice.labels)
    .slice(0, maxLabels)
    .map(([name, value]) => `${oneLine(name, 100)}=${oneLine(value, 200)}`);
  const over = notice.kind === 'resolved' || notice.kind === 'brief';
  return Object.freeze({
    headline: oneLine(`${stateOf(notice)} ${notice.rule}`, maxTitle),
    lines: [
      oneLine(notice.summary, maxText),
      timeOf(notice),
      labels.length === 0 ? '' : labels.join(', '),
      over || notice.remedy === '' ? '' : `What to do: ${oneLine(notice.remedy, maxText)}`,
    ].filter((line) => line !== ''),
    link: safeLink(notice.link),
  });
}

const words: Readonly<Record<Exclude<NoticeKind, 'firing'>, string>> = {
  resolved: 'RESOLVED',
  brief: 'WAS FIRING',
  reminder: 'STILL FIRING',
  flapping: 'FLAPPING',
  test: 'TEST',
};

function stateOf({ kind, severity }: Notice): string {
  return `[${kind === 'firing' ? severity.toUpperCase() : words[kind]}]`;
}

function timeOf({ kind, startedAt, at }: Notice): string {
  const lasted = formatDuration(Math.max(at.getTime() - startedAt.getTime(), 0));
  const since = startedAt.toISOString();
  switch (kind) {
    case 'resolved':
    case 'brief':
      return `Was firing for ${lasted}, from ${since}.`;
    case 'reminder':
      return `Firing for ${lasted}, since ${since}, and nobody has acknowledged it.`;
    case 'flapping':
      return `Changes too often to be told each time; you hear of it again when it is stable. At ${at.toISOString()}.`;
    case 'firing':
      return `Since ${since}.`;
    case 'test':
      return `Sent at ${at.toISOString()}.`;
    default:
      return kind satisfies never;
  }
}
