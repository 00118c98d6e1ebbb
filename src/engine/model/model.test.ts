import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from './testing/command.js';
import { claimCommands } from './testing/commands/claim.js';
import { gateCommands, jobCommands } from './testing/commands/control.js';
import { enqueueCommands, keyedCommands, plainCommands } from './testing/commands/enqueue.js';
import { housekeepingCommands } from './testing/commands/housekeeping.js';
import { settleCommands } from './testing/commands/settle.js';
import { Model } from './testing/model.js';
import { Rig } from './testing/rig.js';
import { exploration, patienceMs } from './testing/settings.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());

/** The events of ended jobs as the API shows them: one start for each attempt, and the last is the end. */
const lostEventsSql = `
  select f.id from signalbox.finished f
  cross join lateral (select signalbox.whole_history(f) as told) as h
  where h.told -> -1 ->> 'type' <> f.status or (h.told -> -1 ->> 'seq')::integer <> jsonb_array_length(h.told)
    or (select count(*) from jsonb_array_elements(h.told) as e where e ->> 'type' = 'processing') <> f.runs`;

const life = [...claimCommands, ...settleCommands, ...housekeepingCommands];
/** Commands of few kinds meet each other more often: what rests on two of them is found in fewer runs. */
const mixes: readonly (readonly [string, number, fc.Arbitrary<Command>[]])[] = [
  ['everything', 25, [...enqueueCommands, ...life, ...jobCommands, ...gateCommands]],
  ['keys', 15, [...keyedCommands, ...life, ...jobCommands]],
  ['gates', 15, [...plainCommands, ...gateCommands, ...claimCommands, ...settleCommands]],
];

describe('the database does what the model does, whatever happens in whatever order', () => {
  it.each(mixes)('%s', { timeout: patienceMs }, async (_name, runs, commands) => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (steps) => {
        await rig.reset();
        await fc.asyncModelRun(() => ({ model: new Model(), real: { rig, seen: new Map() } }), steps);
        expect((await rig.db.query(lostEventsSql)).rows, 'events of ended jobs').toEqual([]);
      }),
      exploration(runs),
    );
  });
});
