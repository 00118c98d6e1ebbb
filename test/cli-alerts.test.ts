import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from '../src/alerts/alert.js';
import { Receiver } from '../src/alerts/notifications/testing/receiver.js';
import { noteEvaluation, saveAlerts } from '../src/alerts/store.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { newId } from '../src/foundation/ids.js';
import { signalbox } from './support/signalbox.js';

const secret = 'token-of-the-address';
/** Long enough for a loaded machine to start a process or two within it. */
const freshMs = 600_000;

let db: TestDatabase;
let receiver: Receiver;
let env: Record<string, string>;
beforeAll(async () => {
  db = await createTestDatabase();
  receiver = await Receiver.start();
  const home = await mkdtemp(join(tmpdir(), 'signalbox-cli-alerts-'));
  env = {
    DATABASE_URL: db.url,
    SIGNALBOX_HOME: home,
    ALERT_WEBHOOK_URL: receiver.url(`/hook?token=${secret}`),
    ALERT_WEBHOOK_SECRET: 'sixteen characters or more',
  };
});
afterEach(async () => {
  await db.database.query('truncate signalbox.alert, signalbox.alert_evaluation');
});
afterAll(async () => {
  await receiver.stop();
  await db.drop();
  await rm(env.SIGNALBOX_HOME as string, { recursive: true });
});

const run = (...args: string[]) => signalbox(args, env);
async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await run(...args, '--json')).stdout) as T;
}

/** As if a process had judged the rules just now; the note lies ahead so that it does not age while commands start. */
async function judged(alerts: readonly Alert[] = []): Promise<void> {
  await saveAlerts(db.database, alerts);
  await noteEvaluation(db.database, new Date(Date.now() + freshMs), []);
}

function firing(more: Partial<Alert> = {}): Alert {
  const at = new Date(Date.now() - 90_000);
  return {
    ...({ severity: 'critical', state: 'firing' } as const),
    ...{ id: newId(), rule: 'NoLiveWorkers', labels: { queue: 'images' }, value: 1, page: '/' },
    ...{ summary: 'Nobody\u001b[2J works.', remedy: 'signalbox start --worker' },
    ...{ since: at, seenAt: at, firedAt: at, resolvedAt: null },
    ...{ acknowledgedAt: null, acknowledgedBy: null, ...more },
  };
}

describe('signalbox alerts', () => {
  it('tells by its exit code whether something fires, and whether anybody knows', async () => {
    const never = await run('alerts');
    expect(never.code).toBe(4);
    expect(never.stderr).toContain('never judged');
    await judged();
    const well = await run('alerts');
    expect([well.code, well.stderr]).toEqual([0, '']);
    await judged([firing({ state: 'pending', firedAt: null })]);
    expect((await run('alerts', 'list')).code).toBe(0);
    await noteEvaluation(db.database, new Date(Date.now() - 120_000), []);
    const old = await run('alerts');
    expect(old.code).toBe(4);
    expect(old.stderr).toContain('last judged');
  });

  it('lists what fires in lines, and whoever looks after it', async () => {
    const alert = firing();
    await judged([alert]);
    const plain = await run('alerts');
    expect(plain.code).toBe(3);
    const [head, line] = plain.stdout.split('\n');
    expect(head).toBe('id\tseverity\tstate\trule\tfor\tkeeper\twhat\twhat to do');
    expect(line).toMatch(new RegExp(`^${alert.id}\tcritical\tfiring\tNoLiveWorkers\t`));
    expect(plain.stdout).not.toContain('\u001b');
    const took = await json('alerts', 'acknowledge', alert.id, '--by', 'ada');
    expect(took).toMatchObject({ id: alert.id, acknowledgedBy: 'ada' });
    expect(await json('alerts')).toMatchObject({ alerts: [{ id: alert.id, acknowledgedBy: 'ada' }] });
    expect(await json('alerts', 'log', alert.id)).toEqual([]);
  });

  it('silences what an alert is about, and ends that', async () => {
    const alert = firing();
    await judged([alert]);
    const words = ['--for', '2h', '--reason', 'the cluster moves', '--by', 'ada'];
    const made = await json<{ id: string; endsAt: string }>('alerts', 'silence', alert.id, ...words);
    expect(made).toMatchObject({
      ...{ kind: 'silence', rule: 'NoLiveWorkers', labels: { queue: 'images' } },
      ...{ createdBy: 'ada', reason: 'the cluster moves' },
    });
    expect(Date.parse(made.endsAt) - Date.now()).toBeGreaterThan(3_600_000);
    const listed = await run('alerts', 'silences');
    expect(listed.stdout).toContain(
      `${made.id}\tyes\tNoLiveWorkers queue=images\tuntil ${made.endsAt}\tada\t`,
    );
    const ended = await run('alerts', 'unsilence', made.id);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('NoLiveWorkers queue=images')]);
    expect(await json('alerts', 'silences')).toEqual([]);
    expect(await json('alerts', 'silences', '--past')).toMatchObject([{ id: made.id }]);
  });

  it('makes maintenance windows that repeat', async () => {
    const times = ['--every', '0 2 * * *', '--time-zone', 'Europe/Berlin', '--for', '1h'];
    expect(await json('alerts', 'silence', ...times, '--reason', 'backups')).toMatchObject({
      kind: 'maintenance',
      rule: null,
      endsAt: null,
      every: { cron: '0 2 * * *', timeZone: 'Europe/Berlin', durationMs: 3_600_000 },
    });
  });

  const why = ['--reason', 'known'];
  const hour = ['--for', '1h', ...why];
  it.each([
    [['silence', '--rule', 'NoLeader', '--for', '1h'], '--reason'],
    [['silence', '--rule', 'NoLeader', ...why], '--for'],
    [['silence', '--rule', 'NoLeader', '--until', '2020-01-01T00:00:00Z', ...why], '--until must be in the'],
    [['silence', '--rule', 'NoLeaders', ...hour], '--rule is none of the rules: NoLiveWorkers'],
    [['silence', ...hour], '--rule or a label must be given'],
    [['silence', '--label', 'images', ...hour], 'queue=images'],
    [['silence', newId(), '--rule', 'NoLeader', ...hour], 'not both'],
    [['silence', newId(), ...hour], 'There is no alert'],
    [['silence', '--every', 'often', ...hour], '--every must have 5 fields'],
    [['silence', '--rule', 'NoLeader', '--for', 'long', ...why], '30m'],
    [['acknowledge', 'x'], 'There is no open alert x.'],
    [['unsilence', 'x'], 'There is no silence x'],
    [['log', newId()], 'There is no alert'],
    [['acknowlege', 'x'], 'no command acknowlege: there are list, acknowledge, log,'],
    [['list', '--nonsense'], '--nonsense'],
  ])('%j is wrong use, and says %j', async (args, words) => {
    const { code, stderr } = await run('alerts', ...args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });
});

describe('signalbox channels', () => {
  it('sends a real test message, and tells what the receiver answered', async () => {
    receiver.behaviour = { do: 'refuse', status: 200, text: `taken at ${secret}` };
    const took = await run('channels', 'test', 'webhook', '--by', 'ada');
    expect(took.code).toBe(0);
    expect(took.stdout).toContain('delivered to webhook');
    expect(took.stdout).toContain('It answered: taken at (hidden)');
    expect(receiver.received.at(-1)?.body).toContain('ada tests the channel webhook');

    receiver.behaviour = { do: 'refuse', status: 403, text: 'go away' };
    const refused = await run('channels', 'test', 'webhook');
    expect(refused.code).toBe(3);
    expect(refused.stdout).toContain('the receiver answered 403');
    expect(await json('channels', 'log', 'webhook')).toMatchObject([
      { outcome: 'rejected', sender: 'test', reply: 'go away' },
      { outcome: 'delivered', sender: 'test' },
    ]);
  });

  it('lists them with their state, and no secret', async () => {
    const listed = await run('channels');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('webhook\tunused\tinfo\t0\t');
    expect(await json('channels')).toMatchObject([{ name: 'webhook', state: 'unused', undelivered: 0 }]);
    await db.database.query(
      `insert into signalbox.notification_channel (channel, failures, last_error, last_failure_at)
       values ('webhook', 2, 'no answer in time', now())`,
    );
    const failing = await run('channels');
    expect(failing.code).toBe(3);
    expect(failing.stdout).toContain('no answer in time');
    expect(listed.stdout + failing.stdout).not.toContain(secret);
  });

  it('names those that there are', async () => {
    for (const verb of ['test', 'log']) {
      const { code, stderr } = await run('channels', verb, 'slack');
      expect([code, stderr]).toEqual([2, expect.stringContaining('webhook')]);
    }
  });
});
