import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../database/testing/test-database.js';
import { silentLogger } from '../foundation/logger.js';
import { RequestRecorder } from '../history/request-recorder.js';
import { RequestMinutes } from './request-minutes.js';

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

const start = Date.parse('2026-03-29T00:58:00Z');

async function rows() {
  const { rows: found } = await db.database.query<{ step: number; at: string; counts: string }>(
    `select step, to_char(at at time zone 'UTC', 'HH24:MI') as at,
            concat(sum(requests), ' ', sum(server_errors)) as counts
     from signalbox.history_request h group by 1, h.at order by 1, 2`,
  );
  return found.map(({ step, at, counts }) => `${step} ${at}: ${counts}`);
}

function server(clock: { ms: number }) {
  const minutes = new RequestMinutes(() => clock.ms);
  return { minutes, recorder: new RequestRecorder({ db: db.database, logger: silentLogger, minutes }) };
}

describe('requests by the minute', () => {
  it('are written with their minute and hour, however often', async () => {
    const clock = { ms: start };
    const { minutes, recorder } = server(clock);
    minutes.count(200);
    minutes.count(404);
    await recorder.runOnce();
    minutes.count(500);
    await recorder.runOnce();
    await recorder.runOnce();
    expect(await rows()).toEqual(['60 00:58: 3 1', '3600 00:00: 3 1']);
    clock.ms += 119_999;
    minutes.count(503);
    await recorder.runOnce();
    clock.ms += 1;
    minutes.count(200);
    await recorder.runOnce();
    expect(await rows()).toEqual([
      '60 00:58: 3 1',
      '60 00:59: 1 1',
      '60 01:00: 1 0',
      '3600 00:00: 4 2',
      '3600 01:00: 1 0',
    ]);
  });

  it('say of a minute without a request that there was a server, and nothing of one without a server', async () => {
    const clock = { ms: start };
    const { recorder } = server(clock);
    await recorder.runOnce();
    clock.ms += 180_000;
    await recorder.runOnce();
    expect(await rows()).toEqual(['60 00:58: 0 0', '60 01:01: 0 0', '3600 00:00: 0 0', '3600 01:00: 0 0']);
  });

  it('are the sum of all servers', async () => {
    const clock = { ms: start };
    for (const { minutes, recorder } of [server(clock), server(clock)]) {
      minutes.count(200);
      await recorder.start();
      minutes.count(500);
      await recorder.stop();
    }
    expect(await rows()).toEqual(['60 00:58: 4 2', '3600 00:00: 4 2']);
  });

  it('are not lost while the database is away, up to a bound', async () => {
    const clock = { ms: start };
    const minutes = new RequestMinutes(() => clock.ms);
    const away = { query: async () => Promise.reject(new Error('gone')) };
    const recorder = new RequestRecorder({ db: away, logger: silentLogger, minutes });
    for (let n = 0; n < 200; n += 1) {
      minutes.count(200);
      await expect(recorder.runOnce()).rejects.toThrow('gone');
      clock.ms += 60_000;
    }
    const kept = minutes.read();
    expect(kept).toHaveLength(120);
    expect(kept.at(-2)).toMatchObject({ at: clock.ms - 60_000, requests: 1 });
  });

  it('do not begin anew when the clock is put back', async () => {
    const clock = { ms: start };
    const { minutes, recorder } = server(clock);
    minutes.count(200);
    clock.ms += 60_000;
    await recorder.runOnce();
    clock.ms -= 1;
    minutes.count(200);
    await recorder.runOnce();
    expect(await rows()).toEqual(['60 00:58: 1 0', '60 00:59: 1 0', '3600 00:00: 2 0']);
  });
});
