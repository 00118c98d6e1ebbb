/**
 * A handler that completes its job in a transaction: its own row and the job's success are there together or not at
 * all, and only once. @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function bookings({ jobs, bookings: rows }, report) {
  for (const job of jobs.values()) {
    if (job.task !== 'booked') continue;
    const own = rows.get(job.id) ?? [];
    const wanted = job.status === 'succeeded' ? 1 : 0;
    if (own.length !== wanted) {
      report.add(
        'torn_completion',
        job.id,
        `is ${job.status} and its handlers' transactions left ${own.length} rows`,
      );
    } else if (wanted === 1 && own[0].nonce !== job.result?.nonce) {
      report.add('torn_completion', job.id, 'succeeded by another attempt than the one whose row is there');
    }
  }
}
