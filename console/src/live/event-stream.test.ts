import { describe, expect, it } from 'vitest';
import { EventStreamParser, readEvents, type StreamEvent } from './event-stream.js';

const sample = [
  '\uFEFF: keep-alive\r\n',
  'event: overview\r\ndata: {"a":\r\ndata: 1}\r\nid: 7\r\n\r\n',
  'data:no space\n\n',
  'event: lonely\n\n',
  'retry: 10\nunknown: x\ndata\n\n',
  'data: è 漢 🚦\rid: 8\r\r',
  'data: cut off',
].join('');

const expected: StreamEvent[] = [
  { event: 'overview', data: '{"a":\n1}', id: '7' },
  { event: 'message', data: 'no space', id: '7' },
  { event: 'message', data: '', id: '7' },
  { event: 'message', data: 'è 漢 🚦', id: '8' },
];

describe('EventStreamParser', () => {
  it('reads what the format allows', () => {
    expect(new EventStreamParser().push(sample)).toEqual(expected);
  });

  it('reads the same when split at every offset', () => {
    for (let at = 0; at <= sample.length; at += 1) {
      const parser = new EventStreamParser();
      const events = [...parser.push(sample.slice(0, at)), ...parser.push(sample.slice(at))];
      expect(events, `split at ${at}`).toEqual(expected);
    }
  });

  it('reads the same one character at a time', () => {
    const parser = new EventStreamParser();
    expect([...sample].flatMap((character) => parser.push(character))).toEqual(expected);
  });
});

describe('readEvents', () => {
  it('puts characters together that arrive in halves', async () => {
    const bytes = new TextEncoder().encode('data: 🚦\n\n');
    const events: StreamEvent[] = [];
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    await readEvents(body, (event) => events.push(event));
    expect(events).toEqual([{ event: 'message', data: '🚦', id: '' }]);
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
