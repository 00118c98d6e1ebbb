/** The one shape of every long-running part. */
export interface Service {
  readonly name: string;
  /** Resolves when the part does its work. Rejects when it cannot; it has then released what it took. */
  start(): Promise<void>;
  /** Resolves when nothing of it is left. May be called before `start`, and twice. */
  stop(): Promise<void>;
}
