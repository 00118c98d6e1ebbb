/**
 * What the enqueuers asked for and what they were told. `asked` and `unknown` may or may not exist:
 * the answer was lost. Everything else is certain.
 * @typedef {'asked' | 'accepted' | 'undone' | 'unknown' | 'refused'} Answer
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} task
 * @property {'single' | 'bulk' | 'commit' | 'rollback' | 'probe'} kind
 * @property {number} group Jobs that were enqueued in one go.
 * @property {number | undefined} runAt
 * @property {Answer} answer
 * @property {number} askedAt
 * @property {string | undefined} holder Who had its unique key when it was refused.
 * @property {number | undefined} cancelledAt When a cancel was answered with the final state.
 */

export class Ledger {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** Errors that are not of the catalogue. @type {{ what: string, error: string }[]} */
  untyped = [];
  /** Enqueues that were repeated and not answered with their own job. @type {{ kind: string, id: string, other?: string }[]} */
  repeated = [];
  #groups = 0;

  /** @param {any} message of an enqueuer */
  take(message) {
    switch (message.type) {
      case 'intent':
        this.#groups += 1;
        for (const { id, task, runAt } of message.jobs) {
          const { kind } = message;
          const answer = 'asked';
          this.entries.set(id, {
            id,
            task,
            kind,
            group: this.#groups,
            runAt,
            answer,
            askedAt: message.at ?? Date.now(),
            holder: undefined,
            cancelledAt: undefined,
          });
        }
        break;
      case 'accepted':
      case 'undone':
      case 'unknown':
        for (const id of message.ids) this.#entry(id).answer = message.type;
        break;
      case 'refused':
        Object.assign(this.#entry(message.id), { answer: 'refused', holder: message.holder });
        break;
      case 'made_twice':
      case 'misnamed':
        this.repeated.push({ kind: message.type, id: message.id, other: message.other });
        break;
      case 'cancelled':
        if (message.status === 'cancelled') this.#entry(message.id).cancelledAt = message.at;
        break;
      case 'untyped':
        this.untyped.push({ what: message.what, error: message.error });
        break;
      default:
    }
  }

  get accepted() {
    let count = 0;
    for (const { answer } of this.entries.values()) if (answer === 'accepted') count += 1;
    return count;
  }

  #entry(id) {
    const entry = this.entries.get(id);
    if (entry === undefined) throw new Error(`an enqueuer speaks of job ${id}, which it never announced`);
    return entry;
  }
}
