/**
 * The whole program of the heartbeat thread. What it imports, every worker process loads a second time:
 * the driver and connection settings, nothing else of the engine or the house.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Command, Report, ThreadData } from './messages.js';
import { Renewer } from './renewer.js';
import { threadLogger } from './thread-logger.js';

const port = parentPort;
if (port === null) throw new Error('This file is the program of a thread; it cannot be run by itself.');

const { connection, leaseMs, hold }: ThreadData = workerData;
const post = (report: Report) => port.postMessage(report);
const renewer = new Renewer({
  connection,
  leaseMs,
  logger: threadLogger(post),
  onLost: (workerId) => post({ kind: 'lost', workerId }),
});

port.on('message', (command: Command) => {
  switch (command.kind) {
    case 'hold':
      return renewer.hold(command.hold);
    case 'release':
      return renewer.release();
    case 'stop':
      // Ends this thread, not the process. A socket that never closes must not hold it.
      void renewer.stop().finally(() => process.exit());
      return;
    default:
      command satisfies never;
  }
});

renewer.hold(hold);
await renewer.start();
