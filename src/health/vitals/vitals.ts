export const processRoles = ['server', 'worker'] as const;
export type ProcessRole = (typeof processRoles)[number];

/** Which process it is: a new one with every start. */
export interface ProcessIdentity {
  readonly id: string;
  readonly roles: readonly ProcessRole[];
  readonly hostname: string;
  readonly pid: number;
}

/** How a process fares, measured by itself. */
export interface Vitals {
  readonly rssBytes: number;
  /** What it may have: of its control group, else of the machine. */
  readonly memoryLimitBytes: number;
  /** Used processor time of the last turn, of all processors that it may use: 0 to 1. `null`: too early to say. */
  readonly cpuShare: number | null;
  /** 99th percentile of how late the event loop was within ten seconds: the worst of the last half minute. */
  readonly loopLagP99Ms: number | null;
  /** `null`: it did not answer. */
  readonly databasePingMs: number | null;
  /** `null`: none is configured, or it cannot be asked. */
  readonly redisUp: boolean | null;
  /** From the opening of a connection to the answer. `null` unless it answered. */
  readonly redisPingMs: number | null;
  readonly poolSize: number;
  readonly poolInUse: number;
  readonly poolWaiting: number;
  /** Requests of the last five minutes that were timed. `null`: no server. */
  readonly httpSamples: number | null;
  readonly httpP95Ms: number | null;
}

/** A process as the database knows it. */
export interface ProcessRecord extends ProcessIdentity, Vitals {
  readonly startedAt: Date;
  readonly seenAt: Date;
  /** It was told to stop. */
  readonly stoppingAt: Date | null;
  /** How long ago it was seen, by the database's clock, milliseconds. */
  readonly ageMs: number;
}
