import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, RawClient } from '../../http/testing/raw-client.js';
import { createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
let port: number;
beforeAll(async () => {
  toy = await createToyServer();
  port = await listen(toy.app);
  await toy.startWorker();
});
afterAll(async () => toy.stop());

interface Seen {
  id: number;
  event: string;
  data: { job_id: string; seq: number; type: string; attempt: number };
}

function eventsIn(text: string): Seen[] {
  return [...text.matchAll(/id: (\d+)\nevent: (\S+)\ndata: (.*)\n\n/g)].map(
    ([, id, event = '', data = '']) => ({
      id: Number(id),
      event,
      data: JSON.parse(data),
    }),
  );
}

const stream = async (id: string, after?: number) => {
  const response = await fetch(`http://127.0.0.1:${port}/jobs/${id}/events`, {
    headers: after === undefined ? {} : { 'last-event-id': String(after) },
  });
  return eventsIn(await response.text());
};

const make = async (name: string) => (await toy.engine.enqueue('toy.make', { name, colour: 'red' })).id;

describe('GET /jobs/:id/events', () => {
  it('tells a job from its beginning to its end, and closes', async () => {
    const id = await make('one');
    const events = await stream(id);
    expect(events.map(({ event }) => event)).toEqual(['queued', 'processing', 'progress', 'succeeded']);
    expect(events.map(({ id: seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(events[1]).toMatchObject({
      id: 2,
      event: 'processing',
      data: { job_id: id, seq: 2, type: 'processing', attempt: 1 },
    });
  });

  it('goes on after Last-Event-ID, also when the job has long ended', async () => {
    const id = await make('two');
    const all = await stream(id);
    expect(await stream(id, 2)).toEqual(all.slice(2));
    expect(await stream(id, 4)).toEqual([]);
    expect(await stream(id, 999)).toEqual([]);
  });

  it('does not take an end before a retry for the end', async () => {
    const id = await make('bad');
    expect((await stream(id)).at(-1)?.event).toBe('failed');
    await toy.app.inject({ method: 'POST', url: `/jobs/${id}/retry` });
    const events = (await stream(id)).map(({ event }) => event);
    expect(events.filter((event) => event === 'failed')).toHaveLength(2);
    expect(events.at(-1)).toBe('failed');
  });

  it('sends what happens as it happens', async () => {
    const { id } = await toy.engine.enqueue('toy.held', {});
    const client = new RawClient(port).send(`GET /jobs/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await client.until(/event: processing/);
    expect(client.received).not.toContain('succeeded');
    toy.release();
    await client.until(/event: succeeded[\s\S]*\r\n0\r\n\r\n$/);
    client.destroy();
  });

  it('has written the log by then', async () => {
    const id = await make('three');
    await stream(id);
    const first = (await toy.app.inject({ url: `/jobs/${id}/logs?limit=1` })).json();
    expect(first).toMatchObject({
      items: [{ seq: expect.any(Number), level: 'info', message: 'making', data: { name: 'three' } }],
    });
    expect(first.next_cursor).toBeNull();
  });
});
