import type { Engine } from '../../engine/engine.js';
import { isFinal, type JobEvent } from '../../engine/job.js';
import { isSignalboxError } from '../../foundation/errors.js';
import type { EventStream } from '../../http/sse.js';
import { wakeOn } from '../wake.js';
import { eventJson } from './json.js';

const batch = 100;
/** The safety net under the hints. */
const pollMs = 2_000;

/**
 * Sends a job's events after `afterSeq`, as they happen, until the job has ended and its last event is sent.
 * An old end does not count: a job that was retried after it goes on.
 */
export async function streamJobEvents(
  engine: Engine,
  stream: EventStream,
  id: string,
  afterSeq: number,
): Promise<void> {
  const wake = wakeOn(
    engine,
    (change) => change.kind === 'resync' || (change.kind === 'job' && change.id === id),
  );
  let seq = afterSeq;
  const sendNew = async (): Promise<number> => {
    const events = await engine.jobs.events(id, seq, batch);
    for (const event of events) {
      await stream.send(toServerEvent(event));
      seq = event.seq;
    }
    return events.length;
  };
  try {
    for (;;) {
      // Read before the events: whatever ended the job by then has its event in what is read next.
      const ended = isFinal((await engine.jobs.get(id)).status);
      while ((await sendNew()) === batch);
      if (ended) return;
      await wake.wait(pollMs, stream.signal);
      stream.signal.throwIfAborted();
    }
  } catch (error) {
    // Removed while it was watched: there is nothing more to tell.
    if (!isSignalboxError(error, 'job_not_found')) throw error;
  } finally {
    wake.close();
  }
}

function toServerEvent(event: JobEvent) {
  return { id: event.seq, event: event.type, data: eventJson(event) };
}
