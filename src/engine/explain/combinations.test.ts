import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from '../model/testing/rig.js';
import { exploration, patienceMs } from '../model/testing/settings.js';
import { nameOf } from './testing/remedies.js';
import { type Scene, stage } from './testing/scene.js';
import { unwind } from './testing/unwind.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());

const rarely = fc.nat(3).map((n) => n === 3);
const limits = fc.constantFrom('none', 'none', 'roomy', 'full', 'zero');
const scenes: fc.Arbitrary<Scene> = fc.record({
  pausedQueue: rarely,
  pausedTask: rarely,
  workers: fc.constantFrom('none', 'dead', 'other queue', 'other task', 'draining', 'busy', 'free', 'free'),
  queueLimit: limits,
  taskLimit: limits,
  key: fc.constantFrom('none', 'free', 'full'),
  closed: fc.constantFrom(null, null, 'queue', 'task'),
  when: fc.constantFrom('now', 'now', 'now', 'scheduled', 'snoozed', 'refused', 'retrying', 'due'),
  over: fc.constantFrom('no', 'no', 'no', 'no', 'cancelled', 'expired', 'deadline'),
  suspect: rarely,
  led: fc.nat(3).map((n) => n > 0),
} as const);

/** Every cause of the scene, in the order in which they are told. */
function causes(scene: Scene): string[] {
  const { workers, when, over, closed, queueLimit, taskLimit, key, led } = scene;
  const unled = led ? [] : ['no_leader'];
  if (over !== 'no') return [over === 'cancelled' ? 'cancelling' : 'too_late', ...unled];
  const paused = [
    ...(scene.pausedQueue ? ['paused queue left'] : []),
    ...(scene.pausedTask ? ['paused task a'] : []),
  ];
  const alone = {
    none: ['no_worker'],
    dead: ['no_worker'],
    'other queue': ['no_worker_for_queue'],
    'other task': ['no_worker_for_task'],
    draining: ['workers_draining'],
    busy: [],
    free: [],
  }[workers];
  const later = {
    scheduled: 'scheduled',
    snoozed: 'snoozed',
    refused: 'rate_limited job',
    retrying: 'retry_wait',
  };
  if (when !== 'now' && when !== 'due') return [later[when], ...paused, ...alone];
  const isFull = (limit: Scene['queueLimit']) => limit === 'full' || limit === 'zero';
  const isPaused = (kind: 'queue' | 'task') => (kind === 'queue' ? scene.pausedQueue : scene.pausedTask);
  const able = alone.length === 0;
  const found = [
    ...(when === 'due' ? ['due', ...unled] : []),
    ...paused,
    ...alone,
    ...(isFull(queueLimit) ? ['limit_reached queue left'] : []),
    ...(isFull(taskLimit) ? ['limit_reached task a'] : []),
    ...(key === 'full' ? ['limit_reached key k'] : []),
    ...(closed !== null && !isPaused(closed)
      ? [`rate_limited ${closed} ${closed === 'queue' ? 'left' : 'a'}`]
      : []),
    ...(workers === 'busy' ? ['slots_busy'] : []),
  ];
  const suspect = scene.suspect && able ? ['suspect'] : [];
  return [...(found.length === 0 ? ['next'] : found), ...suspect];
}

describe('a job that many things keep waiting', () => {
  it('gives each of them, and no other, and starts when all are taken away', {
    timeout: patienceMs,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async (scene) => {
        await rig.reset();
        await rig.db.query(`with w as (delete from signalbox.worker) delete from signalbox.leader`);
        const id = await stage(rig.db, rig.engine, scene);
        const { reasons, estimatedStart } = await rig.engine.jobs.explain(id);
        const told = reasons.map((reason) =>
          nameOf(reason).startsWith('rate_limited job') ? 'rate_limited job' : nameOf(reason),
        );
        expect(told.filter((name) => name !== 'expires' && name !== 'deadline')).toEqual(causes(scene));
        // Nothing has ended yet: what depends on how long jobs take cannot be told.
        const vague = ['limit_reached', 'slots_busy'];
        if (told.some((name) => vague.some((code) => name.startsWith(code))))
          expect(estimatedStart).toBeNull();
        await unwind(rig.db, rig.engine.jobs, id);
      }),
      exploration(60),
    );
  });
});
