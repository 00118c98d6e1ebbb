import { hostname } from 'node:os';
import type { DatabaseOutage } from '../alerts/outage/database-outage.js';
import type { Database } from '../database/database.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import { redisCheck } from '../health/checks/redis.js';
import { DatabasePulse } from '../health/pulse/database-pulse.js';
import { VitalsMeter } from '../health/vitals/meter.js';
import { VitalsMetrics } from '../health/vitals/metrics.js';
import { VitalsRecorder } from '../health/vitals/recorder.js';
import { processRoles } from '../health/vitals/vitals.js';
import type { RequestStatistics } from '../http/request-statistics.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import type { Roles } from './roles.js';

export interface ProcessVitalsOptions {
  readonly database: Database;
  readonly metrics: Metrics;
  readonly roles: Roles;
  readonly redisUrl: string | undefined;
  /** Of a server: what tells that the database is away. */
  readonly outage: DatabaseOutage | undefined;
  readonly logger: Logger;
}

/** What a process says of itself: its beats of the database, and its row among the others. */
export class ProcessVitals implements Service {
  readonly name = 'process vitals';
  readonly #pulse: DatabasePulse;
  readonly #recorder: VitalsRecorder;
  readonly #outage: DatabaseOutage | undefined;
  #requests: RequestStatistics | undefined;

  constructor({ database, metrics, roles, redisUrl, outage, logger }: ProcessVitalsOptions) {
    const written = new VitalsMetrics(metrics.registry);
    this.#outage = outage;
    this.#pulse = new DatabasePulse({
      database,
      logger,
      onBeat: (beat) => {
        written.beat(beat);
        outage?.beat(beat);
      },
    });
    const redis = redisUrl === undefined ? undefined : redisCheck({ url: redisUrl });
    const requests = () => this.#requests?.recent();
    this.#recorder = new VitalsRecorder({
      db: this.#pulse.line,
      meter: new VitalsMeter({ database, pulse: this.#pulse, lag: metrics.lag, redis, requests }),
      identity: {
        id: newId(),
        roles: processRoles.filter((role) => roles[role]),
        hostname: hostname(),
        pid: process.pid,
      },
      logger,
      onRead: (vitals) => written.vitals(vitals),
    });
  }

  /** What this process answers, once it does. */
  watch(requests: RequestStatistics): void {
    this.#requests = requests;
  }

  async start(): Promise<void> {
    await this.#pulse.start();
    await this.#recorder.start();
  }

  /** Whoever stops the process may not wait until it has stopped. */
  announceStop(): void {
    this.#recorder.announceStop();
  }

  async stop(): Promise<void> {
    await this.#outage?.stop();
    await this.#recorder.stop();
    await this.#pulse.stop();
  }
}
