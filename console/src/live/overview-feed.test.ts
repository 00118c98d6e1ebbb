import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeKey } from '../api/key.js';
import { answer, FakeApi, problem } from '../testing/fake-api.js';
import { noCounts, sampleOverview } from '../testing/samples.js';
import { OverviewFeed } from './overview-feed.js';

const withQueued = (queued: number) => sampleOverview({ counts: { ...noCounts, queued } });
const refuse = () => Promise.reject(new TypeError('failed to fetch'));

let api: FakeApi;
let feed: OverviewFeed;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const queued = () => feed.getSnapshot().overview?.counts.queued;
const connection = () => feed.getSnapshot().connection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  api = new FakeApi().overview(withQueued(1)).install();
  feed = new OverviewFeed();
});

afterEach(() => feed.stop());

describe('OverviewFeed', () => {
  it('asks once and follows the stream', async () => {
    feed.start();
    expect(connection()).toBe('connecting');
    await pass(0);
    expect(queued()).toBe(1);
    api.sendOverview(withQueued(2));
    await pass(0);
    expect(connection()).toBe('live');
    expect(queued()).toBe(2);
    for (let i = 0; i < 6; i += 1) {
      await pass(5_000);
      api.sendOverview(withQueued(i));
      await pass(0);
    }
    expect(api.count('GET /api/v1/overview')).toBe(1);
    expect(api.count('GET /api/v1/overview/stream')).toBe(1);
  });

  it('tells its listeners, until they leave', async () => {
    const listener = vi.fn();
    const leave = feed.subscribe(listener);
    feed.start();
    await pass(0);
    expect(listener).toHaveBeenCalled();
    leave();
    listener.mockClear();
    api.sendOverview(withQueued(2));
    await pass(0);
    expect(listener).not.toHaveBeenCalled();
  });

  it('connects again after the server ends the stream', async () => {
    feed.start();
    await pass(0);
    api.sendOverview(withQueued(2));
    await pass(0);
    api.endStreams();
    await pass(10);
    expect(connection()).toBe('reconnecting');
    await pass(1_000);
    expect(api.streams).toBe(1);
    api.sendOverview(withQueued(3));
    await pass(0);
    expect(connection()).toBe('live');
    expect(queued()).toBe(3);
  });

  it('waits longer from failure to failure, never in step with others', async () => {
    api.on('GET /api/v1/overview/stream', refuse);
    feed.start();
    await pass(59_000);
    // 1, 2, 4, 8, then 15 s: without jitter that is 7 in a minute.
    expect(api.count('GET /api/v1/overview/stream')).toBe(7);
    vi.mocked(Math.random).mockReturnValue(0);
    await pass(60_000);
    expect(api.count('GET /api/v1/overview/stream')).toBeGreaterThan(13);
  });

  it('polls every 5 s while there is no stream', async () => {
    api.on('GET /api/v1/overview/stream', () => problem(503, 'too_many_streams', 'No room.'));
    feed.start();
    await pass(0);
    api.overview(withQueued(9));
    await pass(6_000);
    expect(queued()).toBe(9);
    expect(connection()).toBe('reconnecting');
    await pass(30_000);
    expect(connection()).toBe('reconnecting');
    expect(api.count('GET /api/v1/overview')).toBeGreaterThanOrEqual(6);
  });

  it('gives up a stream that went silent', async () => {
    feed.start();
    await pass(0);
    api.sendOverview(withQueued(2));
    await pass(13_000);
    expect(api.count('GET /api/v1/overview/stream')).toBeGreaterThan(1);
  });

  it('says since when nothing came', async () => {
    feed.start();
    await pass(0);
    const { receivedAt } = feed.getSnapshot();
    api.on('GET /api/v1/overview', refuse).on('GET /api/v1/overview/stream', refuse);
    api.endStreams();
    await pass(16_000);
    expect(connection()).toBe('stale');
    expect(feed.getSnapshot().receivedAt).toBe(receivedAt);
    expect(feed.getSnapshot().problem?.code).toBe('unreachable');
    api.overview(withQueued(4));
    await pass(6_000);
    expect(queued()).toBe(4);
    expect(connection()).toBe('reconnecting');
  });

  it('names a time-out and an answer that it cannot read', async () => {
    api.on('GET /api/v1/overview/stream', () => new Promise(() => undefined));
    api.on('GET /api/v1/overview', () => answer({ counts: null }));
    feed.start();
    await pass(0);
    expect(feed.getSnapshot().problem?.code).toBe('not_understood');
    api.on('GET /api/v1/overview', () => Promise.reject(new DOMException('late', 'TimeoutError')));
    await pass(6_000);
    expect(feed.getSnapshot().problem?.code).toBe('timeout');
  });

  it('survives an event that is no JSON', async () => {
    feed.start();
    await pass(0);
    api.send('event: overview\ndata: {"counts"\n\n');
    await pass(0);
    expect(feed.getSnapshot().problem?.code).toBe('not_understood');
    await pass(2_000);
    api.sendOverview(withQueued(5));
    await pass(0);
    expect(connection()).toBe('live');
  });

  it('asks for nothing while paused or hidden', async () => {
    feed.start();
    await pass(0);
    feed.setPaused(true);
    await pass(0);
    expect(connection()).toBe('paused');
    expect(api.streams).toBe(0);
    const before = api.requests.length;
    feed.setHidden(true);
    feed.setPaused(false);
    await pass(60_000);
    expect(connection()).toBe('paused');
    expect(api.requests.length).toBe(before);
    feed.setHidden(false);
    await pass(0);
    expect(api.streams).toBe(1);
    expect(connection()).toBe('reconnecting');
  });

  it('claims nothing on old numbers when it goes on after a long pause', async () => {
    feed.start();
    await pass(0);
    feed.setPaused(true);
    await pass(3_600_000);
    api.on('GET /api/v1/overview', () => new Promise((_, reject) => setTimeout(reject, 500)));
    api.on('GET /api/v1/overview/stream', () => new Promise((_, reject) => setTimeout(reject, 500)));
    feed.setPaused(false);
    await pass(100);
    expect(connection()).toBe('paused');
    await pass(500);
    expect(connection()).toBe('stale');
  });

  it.each([401, 403])('stops at a %i and asks again only with another key', async (status) => {
    const refusal = () => problem(status, 'refused', 'No.');
    api.on('GET /api/v1/overview', refusal).on('GET /api/v1/overview/stream', refusal);
    feed.start();
    await pass(0);
    expect(connection()).toBe('unauthorized');
    const before = api.requests.length;
    feed.setHidden(true);
    feed.setHidden(false);
    await pass(60_000);
    expect(api.requests.length).toBe(before);
    writeKey('right');
    api = new FakeApi().overview(withQueued(1)).install();
    feed.restart();
    await pass(0);
    expect(queued()).toBe(1);
    expect(api.requests[0]?.headers.get('authorization')).toBe('Bearer right');
  });

  it('starts anew after a stop, and stops twice', async () => {
    feed.start();
    await pass(0);
    feed.stop();
    feed.stop();
    await pass(0);
    expect(vi.getTimerCount()).toBe(0);
    feed.start();
    await pass(0);
    expect(api.streams).toBe(1);
  });
});
