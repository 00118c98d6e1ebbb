import { expect, it } from 'vitest';
import { toClaimedJob } from './claimed.js';

const lane = { id: 1, queue: 'default', task: 'work' };
const claim = { workerId: 'w', claimId: '1', limited: false };

it('neither begins a job late nor ends it early, however long the claim was on its way', () => {
  const more = { owner: null, tags: null, trace_parent: null, left_ms: 5_000, start_ms: 1_000 };
  const job = toClaimedJob(['id', 1, 1, 0, 0, 3, 60_000, {}, more], lane, {
    ...claim,
    askedAt: 10_000,
    toldAt: 12_000,
  });
  expect(job).toMatchObject({ startsBy: 11_000, endsBy: 17_000 });
});

it('has no end when it has no deadline', () => {
  const job = toClaimedJob(['id', 1, 1, 0, 0, 3, 60_000, {}], lane, { ...claim, askedAt: 1, toldAt: 2 });
  expect(job).toMatchObject({ startsBy: Number.POSITIVE_INFINITY, endsBy: Number.POSITIVE_INFINITY });
});
