import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrateUp } from '../database/migrations.js';
import { createTestDatabase, type TestDatabase } from '../database/testing/test-database.js';
import { silentLogger } from '../foundation/logger.js';
import type { Alert } from './alert.js';
import { Evaluator, type EvaluatorOptions } from './evaluator.js';
import { alertMigrations } from './migrations.js';
import type { AlertRule, Observation } from './rule.js';
import { alertSource } from './source.js';
import { acknowledgeAlert, lastEvaluation, openAlerts, pruneAlerts, resolvedAlerts } from './store.js';

type World = { readonly bad: readonly string[]; readonly blind?: boolean };

function rule(name: string, forMs: number): AlertRule<World> {
  return {
    name,
    severity: 'warning',
    forMs,
    help: 'a test',
    remedy: 'Mend it.',
    prometheus: null,
    page: '/queues',
    observe: ({ bad, blind }) => (blind ? null : bad.map((queue) => seen(queue))),
  };
}

function seen(queue: string): Observation {
  return { labels: { queue }, value: 1, summary: `Queue "${queue}" is bad.`, remedy: 'Mend it.' };
}

let db: TestDatabase;
const started: Evaluator[] = [];
beforeAll(async () => {
  db = await createTestDatabase();
  await migrateUp({
    connection: db.database.directOptions,
    folders: [alertMigrations],
    logger: silentLogger,
  });
});
afterEach(async () => {
  for (const evaluator of started.splice(0)) await evaluator.stop();
  await db.database.query('truncate signalbox.alert, signalbox.alert_evaluation, signalbox.leader', []);
});
afterAll(() => db.drop());

describe('the evaluator', () => {
  let world: World = { bad: [] };
  const told: string[] = [];

  function evaluator(options: Partial<EvaluatorOptions> = {}): Evaluator {
    const source = alertSource([rule('Bad', 0), rule('Slow', 3_600_000)], async () => world);
    const record: EvaluatorOptions['record'] = async (_tx, edges) => {
      for (const edge of edges) told.push(`${edge.rule} ${edge.labels.queue} ${edge.state}`);
    };
    const made = new Evaluator({
      db: db.database,
      logger: silentLogger,
      sources: [source],
      record,
      ...options,
    });
    started.push(made);
    return made;
  }

  async function states(): Promise<string[]> {
    return (await openAlerts(db.database)).map(({ rule, state }) => `${rule} ${state}`).sort();
  }

  afterEach(() => {
    told.length = 0;
    world = { bad: [] };
  });

  it('fires, stays quiet, and resolves', async () => {
    const one = evaluator();
    world = { bad: ['a'] };
    await one.runOnce();
    await one.runOnce();
    expect(told).toEqual(['Bad a firing']);
    expect(await states()).toEqual(['Bad firing', 'Slow pending']);
    world = { bad: [] };
    await one.runOnce();
    expect(told).toEqual(['Bad a firing', 'Bad a resolved']);
    expect(await states()).toEqual([]);
    const [past] = await resolvedAlerts(db.database, { limit: 10 });
    expect(past).toMatchObject({ rule: 'Bad', labels: { queue: 'a' }, state: 'resolved' });
    expect(
      await resolvedAlerts(db.database, { limit: 10, after: past as { resolvedAt: Date; id: string } }),
    ).toEqual([]);
  });

  it('is one at a time, and the next one goes on where it was', async () => {
    const first = evaluator();
    const second = evaluator();
    world = { bad: ['a'] };
    await first.runOnce();
    expect(await second.runOnce()).toBeUndefined();
    const [before] = await openAlerts(db.database);
    await first.stop();
    expect(await second.runOnce()).toMatchObject({ edges: [] });
    expect(told).toEqual(['Bad a firing']);
    expect(await openAlerts(db.database)).toContainEqual(
      expect.objectContaining({ id: before?.id, since: before?.since }),
    );
  });

  it('moves nothing that it cannot judge, and says which rules that are', async () => {
    const one = evaluator();
    world = { bad: ['a'] };
    await one.runOnce();
    world = { bad: [], blind: true };
    await one.runOnce();
    expect(await states()).toEqual(['Bad firing', 'Slow pending']);
    expect(await lastEvaluation(db.database)).toMatchObject({ unknown: ['Bad', 'Slow'] });
  });

  it('lets no source keep the others from being judged', async () => {
    const sources = [
      alertSource([rule('Broken', 0)], async () => {
        throw new Error('the facts are away');
      }),
      alertSource([{ ...rule('Throws', 0), observe: () => fail() }, rule('Bad', 0)], async () => world),
    ];
    world = { bad: ['a'] };
    await evaluator({ sources }).runOnce();
    expect(told).toEqual(['Bad a firing']);
    expect(await lastEvaluation(db.database)).toMatchObject({ unknown: ['Broken', 'Throws'] });
  });

  it('changes nothing that it could not record', async () => {
    world = { bad: ['a'] };
    const record = async () => fail();
    await expect(evaluator({ record }).runOnce()).rejects.toThrow('no');
    expect(await states()).toEqual([]);
    await started.pop()?.stop();
    await evaluator().runOnce();
    expect(told).toEqual(['Bad a firing']);
  });

  it('refuses two rules of one name', () => {
    const source = alertSource([rule('Bad', 0)], async () => world);
    expect(() => evaluator({ sources: [source, source] })).toThrow(TypeError);
  });

  it('keeps the first acknowledgement, until the alert ends', async () => {
    const one = evaluator();
    world = { bad: ['a'] };
    await one.runOnce();
    const [{ id }] = (await openAlerts(db.database)) as [Alert];
    expect(await acknowledgeAlert(db.database, id, 'ada')).toMatchObject({ acknowledgedBy: 'ada' });
    expect(await acknowledgeAlert(db.database, id, 'bob')).toMatchObject({ acknowledgedBy: 'ada' });
    await one.runOnce();
    expect((await openAlerts(db.database)).find((alert) => alert.id === id)).toMatchObject({
      acknowledgedBy: 'ada',
    });
    world = { bad: [] };
    await one.runOnce();
    expect(await acknowledgeAlert(db.database, id, 'ada')).toBeUndefined();
  });

  it('forgets the history after its time, and nothing else', async () => {
    const one = evaluator();
    world = { bad: ['old', 'new', 'now'] };
    await one.runOnce();
    world = { bad: ['now'] };
    await one.runOnce();
    await db.database.query(
      `update signalbox.alert set resolved_at = now() - interval '2 days' where labels ->> 'queue' = 'old' and state = 'resolved'`,
      [],
    );
    await pruneAlerts(db.database, 86_400_000);
    expect((await resolvedAlerts(db.database, { limit: 9 })).map(({ labels }) => labels.queue)).toEqual([
      'new',
    ]);
    expect(await states()).toEqual(['Bad firing', 'Slow pending']);
  });
});

function fail(): never {
  throw new Error('no');
}
