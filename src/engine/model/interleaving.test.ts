import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkInvariants } from '../invariants.js';
import { promoteDue } from '../sql/claim.js';
import { pauseGate, setLimits } from '../sql/gates.js';
import { endOverdue, enforceCancels, healLimits, rescueJobs } from '../sql/rescue.js';
import { Rig } from './testing/rig.js';
import { exploration, patienceMs } from './testing/settings.js';
import { claim, end, operations, scripts, type Traffic } from './testing/traffic.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());

/** Lets everything end: limits are gone, time has passed, one worker is left. */
async function drain(traffic: Traffic): Promise<void> {
  await pauseGate(rig.db, 'queue', 'right', false);
  await setLimits(rig.db, 'queue', 'left', { maxRunning: null });
  await setLimits(rig.db, 'task', 'a', { maxRunning: null });
  for (const ghost of rig.ghosts) await rig.kill(ghost);
  await rescueJobs(rig.db, 1_000);
  await rig.hire(0);
  const ghost = rig.ghost(0);
  for (let turn = 0; turn < 100; turn += 1) {
    await rig.db.query(`update signalbox.job set run_at = now() where hold in ('scheduled', 'retrying')`);
    await promoteDue(rig.db, 1_000);
    await enforceCancels(rig.db, 0);
    await endOverdue(rig.db, 0);
    await claim(rig, ghost, 50, true);
    await end(traffic, ghost, 50, false);
    await healLimits(rig.db);
    const { rows } = await rig.db.query(`select from signalbox.job limit 1`);
    if (rows.length === 0) return;
  }
}

async function violations(): Promise<string[]> {
  const found = await checkInvariants(rig.db);
  return found.filter(({ passing }) => !passing).map(({ message }) => message);
}

describe('clients that do everything at once', () => {
  it('break no invariant, at no moment, and every accepted job ends once', {
    timeout: patienceMs,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (clients) => {
        await rig.reset();
        const traffic: Traffic = { rig, accepted: new Set(), ended: [], violations: new Set() };
        await Promise.all(
          clients.map(async (script) => {
            for (const [name, a, b] of script) await operations[name]?.(traffic, a, b);
          }),
        );
        expect([...traffic.violations, ...(await violations())]).toEqual([]);
        await drain(traffic);
        expect(await violations()).toEqual([]);
        expect(traffic.ended.length, 'no attempt ended twice').toBe(new Set(traffic.ended).size);
        const { rows } = await rig.db.query<{ id: string }>(`select id from signalbox.finished`);
        expect(rows.map(({ id }) => id).sort()).toEqual([...traffic.accepted].sort());
      }),
      { ...exploration(20), endOnFailure: true },
    );
  });
});
