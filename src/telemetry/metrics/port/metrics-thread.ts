/**
 * The whole program of the metrics thread. It answers while the main thread cannot, so it asks nothing of it but the
 * newest text, and loads none of the house beside the writing of metrics.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { RenewalTime } from '../../../engine/heartbeat/renewal-time.js';
import type { Command, Report, ThreadData } from './messages.js';
import { MetricsPage } from './page.js';
import { createMetricsServer } from './server.js';

const port = parentPort;
if (port === null) throw new Error('This file is the program of a thread; it cannot be run by itself.');

const data: ThreadData = workerData;
const post = (report: Report) => port.postMessage(report);
const page = new MetricsPage({
  beat: new RenewalTime(data.beat),
  want: (format) => post({ kind: 'wanted', format }),
});
const server = createMetricsServer({ token: data.token, read: (format) => page.read(format) });

port.on('message', (command: Command) => {
  switch (command.kind) {
    case 'text':
      return page.receive(command);
    case 'stop':
      // Ends this thread, not the process.
      server.close(() => process.exit());
      server.closeAllConnections();
      return;
    default:
      command satisfies never;
  }
});
server.on('error', (error) => post({ kind: 'refused', message: error.message }));
server.listen({ host: data.host, port: data.port }, () => {
  const address = server.address();
  post({
    kind: 'listening',
    port: typeof address === 'object' && address !== null ? address.port : data.port,
  });
});
