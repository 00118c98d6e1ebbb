import { z } from 'zod';
import { type Task, task } from '../../engine/task.js';
import type { Sender } from './sender.js';

/** A queue of its own, so that neither a pause nor a limit of the users' queues keeps alarms back. */
export const notifyQueue = 'signalbox.notify';
export const notifyTaskName = 'signalbox.notify';

/**
 * Sends what is due on one channel. The outbox keeps what is to be sent and when it is tried again, so a job says
 * nothing about what it delivers and fails only when the database does.
 */
export function notifyTask(sender: Sender): Task {
  return task({
    name: notifyTaskName,
    queue: notifyQueue,
    priority: -1_000,
    maxAttempts: 2,
    timeoutMs: 300_000,
    input: z.strictObject({ channel: z.string().min(1).max(100) }),
    unique: ({ channel }) => ({ key: `${notifyTaskName}:${channel}` }),
    async run({ channel }, { signal }) {
      // Processes may be set up differently. Whoever asked for the job knows the channel, and sends it itself.
      if (!sender.channels.includes(channel)) return { skipped: 'the channel is not set in this process' };
      return sender.drain(channel, 'job', signal);
    },
  });
}
