import { expect, it } from 'vitest';
import { toClaimedJob } from './claimed.js';

const lane = { id: 1, queue: 'default', task: 'work' };
/** One second before the clock of `performance.now()` began. */
const ready = 1_699_999_999_000_000;
const claim = { workerId: 'w', claimId: '1', limited: false, clockMs: 1_700_000_000_000 };

it('neither begins a job late nor ends it early, however long the claim was on its way', () => {
  const more = { owner: null, tags: null, trace_parent: null, left_ms: 5_000, start_ms: 1_000 };
  const job = toClaimedJob(['id', 1, 1, 0, 0, 3, 60_000, {}, ready, more], lane, {
    ...claim,
    askedAt: 10_000,
    toldAt: 12_000,
  });
  expect(job).toMatchObject({ startsBy: 11_000, endsBy: 17_000 });
});

it('knows since when it has been ready, by the clock of this process', () => {
  const job = toClaimedJob(['id', 1, 1, 0, 0, 3, 60_000, {}, ready], lane, {
    ...claim,
    askedAt: 1,
    toldAt: 2,
  });
  expect(job.readyAt).toBe(-1_000);
});

it('has no end when it has no deadline', () => {
  const job = toClaimedJob(['id', 1, 1, 0, 0, 3, 60_000, {}, ready], lane, {
    ...claim,
    askedAt: 1,
    toldAt: 2,
  });
  expect(job).toMatchObject({ startsBy: Number.POSITIVE_INFINITY, endsBy: Number.POSITIVE_INFINITY });
});
