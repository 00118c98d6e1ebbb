import type { Queryable } from '../../database/queryable.js';
import { newId } from '../../foundation/ids.js';
import { type EnqueueInto, enqueueFiring, type Unfinished, withOpenJobs } from './fire.js';
import { insertFirings, type NewFiring, pruneFirings, releaseHeld } from './firing-store.js';
import { planTurn, type TurnPlan } from './plan.js';
import type { FiringRow, ScheduleRow } from './row.js';
import { keptFirings } from './schedule.js';
import { type CronSlots, cronSlots } from './slots.js';
import { lockDue, saveTurn } from './store.js';

export interface TurnDeps {
  readonly enqueue: EnqueueInto;
  readonly unfinished: Unfinished;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** A held slot asks no more often whether the job before it has ended. */
const heldRecheckMs = 1_000;

/**
 * One schedule's part of a turn, in the transaction that it is given: the firing rows, their jobs and the next slot
 * become durable together, or nothing does.
 * @returns the rows that were decided here; `undefined` when another process has the schedule
 */
export async function turnOf(
  tx: Queryable,
  deps: TurnDeps,
  at: { readonly name: string; readonly now: Date; readonly maxFirings: number },
): Promise<readonly FiringRow[] | undefined> {
  const row = await lockDue(tx, at.name, at.now);
  if (row === undefined) return undefined;
  const slots = cronSlots(row.cron, row.time_zone);
  const open = await openJobs(tx, deps.unfinished, row);
  const state = {
    catchUp: row.catch_up,
    overlap: row.overlap,
    nextSlot: row.next_slot,
    heldSlot: row.held_slot,
    busy: open.length > 0,
  };
  const plan = planTurn(slots, state, at.now, at.maxFirings);
  const decided = await decide(tx, row, plan);
  const jobs: string[] = [];
  for (const firing of decided) {
    if (firing.outcome !== 'enqueued') continue;
    const waited = firing.slot.getTime() === plan.release?.getTime();
    const runAt = waited ? undefined : jittered(row, firing, slots, deps);
    // A time that has gone by would put the job before those that were enqueued since.
    const later = runAt !== undefined && runAt > at.now ? runAt : undefined;
    jobs.push(await enqueueFiring(tx, deps.enqueue, row, firing, later));
  }
  await saveTurn(tx, row.name, {
    nextSlot: plan.nextSlot,
    heldSlot: plan.heldSlot,
    openJobs: withOpenJobs(open, jobs),
    dueAt: dueAt(plan, at.now),
  });
  if (decided.length > 0) await pruneFirings(tx, row.name, keptFirings);
  return decided;
}

/** Asked only where the answer matters. */
async function openJobs(tx: Queryable, unfinished: Unfinished, row: ScheduleRow): Promise<readonly string[]> {
  const { open_jobs: open } = row;
  if (open.length === 0 || (row.overlap === 'allow' && row.held_slot === null)) return open;
  const running = await unfinished(tx, open);
  return open.filter((id) => running.has(id));
}

async function decide(tx: Queryable, row: ScheduleRow, plan: TurnPlan): Promise<FiringRow[]> {
  const released = plan.release && (await releaseHeld(tx, row.name, plan.release, newId()));
  const planned = plannedRows(plan);
  const inserted = planned.length > 0 ? await insertFirings(tx, row.name, planned) : [];
  return released ? [released, ...inserted] : inserted;
}

function plannedRows({ firings, missed }: TurnPlan): NewFiring[] {
  const rows = firings.map(({ slot, outcome }): NewFiring => {
    return { slot, kind: 'slot', outcome, jobId: outcome === 'enqueued' ? newId() : null };
  });
  if (missed === null) return rows;
  const { from, to, count } = missed;
  return [
    { slot: to, kind: 'slot', outcome: 'missed', jobId: null, missedFrom: from, missed: count },
    ...rows,
  ];
}

/** The slot with its random delay: always before the next slot. */
function jittered(row: ScheduleRow, { slot }: FiringRow, slots: CronSlots, deps: TurnDeps): Date | undefined {
  if (row.jitter_ms === 0) return undefined;
  const room = (slots.after(slot)?.getTime() ?? Number.POSITIVE_INFINITY) - slot.getTime();
  return new Date(slot.getTime() + Math.floor(deps.random() * Math.min(row.jitter_ms + 1, room)));
}

function dueAt({ nextSlot, heldSlot, unfinished }: TurnPlan, now: Date): Date | null {
  if (unfinished) return now;
  const recheck = new Date(now.getTime() + heldRecheckMs);
  return heldSlot !== null && (nextSlot === null || recheck < nextSlot) ? recheck : nextSlot;
}
