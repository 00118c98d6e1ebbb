import { describe, expect, it } from 'vitest';
import { readEvents } from './event-stream.js';

const sample = [
  '\uFEFF: keep-alive\r\n',
  'event: overview\r\ndata: {"a":\r\ndata: 1}\r\nid: 7\r\n\r\n',
  'data:no space\n\n',
  'event: lonely\n\n',
  'retry: 10\nunknown: x\ndata\n\n',
  'data: è 漢 🚦\n\n',
  'data: cut off',
].join('');

const expected = ['overview {"a":\n1}', 'message no space', 'message ', 'message è 漢 🚦'];

async function read(pieces: readonly Uint8Array[]): Promise<string[]> {
  const events: string[] = [];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  await readEvents(body, ({ event = 'message', data }) => events.push(`${event} ${data}`));
  return events;
}

describe('readEvents', () => {
  const bytes = new TextEncoder().encode(sample);

  it('reads the same when the bytes are split anywhere', async () => {
    expect(await read([bytes])).toEqual(expected);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await read([bytes.slice(0, at), bytes.slice(at)]), `split at ${at}`).toEqual(expected);
    }
    expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it('gives the stream back when the reader throws', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    const reading = readEvents(body, () => {
      throw new Error('no');
    });
    await expect(reading).rejects.toThrow('no');
    expect(cancelled).toBe(true);
  });
});
