import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** A stream that never ends a line must not fill the memory of the page. Characters. */
const maxBuffered = 4_000_000;

/**
 * Reads a `text/event-stream` and hands each event to `onEvent` until the server ends the stream.
 * EventSource itself cannot send the Authorization header. Throws what reading throws.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: EventSourceMessage) => void,
): Promise<void> {
  const parser = createParser({ onEvent, maxBufferSize: maxBuffered });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Whatever ended the reading is already on its way to the caller; a failed goodbye adds nothing.
    await reader.cancel().catch(() => undefined);
  }
}
