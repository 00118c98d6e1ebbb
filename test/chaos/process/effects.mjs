import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

// `nonce` names one call of a handler, so a write may be repeated after an unknown commit.
const writeSql = `
  insert into chaos.effect (nonce, kind, job_id, attempt, process, worker, local_at)
  select e.nonce, e.kind, e.job_id, e.attempt, e.process, e.worker, e.local_at
  from jsonb_to_recordset($1::jsonb) as e(
    nonce uuid, kind text, job_id uuid, attempt integer, process text, worker text, local_at timestamptz)
  on conflict (nonce, kind) do nothing`;

/**
 * What handlers did, on a connection of its own that no proxy disturbs: a worker which the engine's
 * connection has failed must still be seen. Only the start is waited for; ends follow in the background,
 * so that between a handler's end and the record of its outcome nothing stands.
 */
export class Effects {
  #database;
  #logger;
  #process;
  #incarnation;
  #pending = [];
  #writing;

  /**
   * @param {import('signalbox').Database} database
   * @param {string} name
   * @param {() => string | undefined} incarnation
   * @param {import('signalbox').Logger} logger
   */
  constructor(database, name, incarnation, logger) {
    this.#database = database;
    this.#logger = logger;
    this.#process = name;
    this.#incarnation = incarnation;
  }

  /** Resolves when the start is durable. @throws the signal's reason */
  async begin(job, signal) {
    const nonce = randomUUID();
    const row = this.#row(nonce, 'start', job);
    for (;;) {
      try {
        await this.#write([row]);
        return nonce;
      } catch (error) {
        this.#logger.debug({ job_id: job.id, error: String(error) }, 'a start could not be written yet');
        // The database is away: a handler that cannot leave its trace does not go on.
        if (signal.aborted) {
          this.end(nonce, 'unseen', job);
          throw signal.reason;
        }
        await sleep(100);
      }
    }
  }

  end(nonce, kind, job) {
    this.#pending.push(this.#row(nonce, kind, job));
    this.#writing ??= this.#drain();
  }

  async flush() {
    await this.#writing;
  }

  #row(nonce, kind, job) {
    return {
      nonce,
      kind,
      job_id: job.id,
      attempt: job.attempt,
      process: this.#process,
      worker: this.#incarnation() ?? null,
      local_at: new Date(),
    };
  }

  async #drain() {
    while (this.#pending.length > 0) {
      const rows = this.#pending.slice(0, 500);
      try {
        await this.#write(rows);
        this.#pending.splice(0, rows.length);
      } catch (error) {
        this.#logger.debug({ rows: rows.length, error: String(error) }, 'ends could not be written yet');
        await sleep(100);
      }
    }
    this.#writing = undefined;
  }

  async #write(rows) {
    await this.#database.query(writeSql, [JSON.stringify(rows)]);
  }
}
