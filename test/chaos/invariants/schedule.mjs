/**
 * Each second is a slot of the schedule: decided once, with one job, and none left out. What nobody was there to fire
 * is caught up. @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function schedule({ jobs, firings }, report) {
  const ofSlot = new Map();
  for (const job of jobs.values()) {
    if (job.task !== 'tick') continue;
    const slot = Date.parse(job.input.slot);
    ofSlot.set(slot, [...(ofSlot.get(slot) ?? []), job.id]);
  }
  const slots = [...firings.keys()].sort((a, b) => a - b);
  for (const slot of slots) {
    const decided = [...firings.get(slot)];
    const made = ofSlot.get(slot) ?? [];
    const name = `slot ${new Date(slot).toISOString()}`;
    if (decided.length > 1 || made.length > 1) {
      report.add('slot_doubled', made[0], `${name} has ${decided.length} firings and ${made.length} jobs`);
    } else if (made.length === 0 || made[0] !== decided[0]) {
      report.add('slot_lost', made[0], `${name} was decided (${decided[0]}) and has no job of its own`);
    }
  }
  for (const slot of ofSlot.keys()) {
    if (!firings.has(slot)) report.add('ghost', ofSlot.get(slot)[0], 'is for a slot that was never decided');
  }
  for (const [n, slot] of slots.entries()) {
    const before = slots[n - 1];
    if (before === undefined || slot - before === 1_000) continue;
    report.add(
      'slot_lost',
      undefined,
      `no slot between ${new Date(before).toISOString()} and ${new Date(slot).toISOString()} was decided`,
    );
  }
  report.figures.slots = slots.length;
}
