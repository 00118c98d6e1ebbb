/**
 * @typedef {object} Violation
 * @property {string} kind
 * @property {string | undefined} job
 * @property {string} message
 */

/** What the checker found. */
export class Report {
  /** @type {Violation[]} */
  violations = [];
  /** @type {Record<string, number>} */
  figures = {};

  /** @param {string} kind @param {string | undefined} job @param {string} message */
  add(kind, job, message) {
    this.violations.push({ kind, job, message });
  }

  /** How many jobs have a violation of one of these kinds. @param {...string} kinds */
  count(...kinds) {
    const found = this.violations.filter(({ kind }) => kinds.includes(kind));
    return new Set(found.map(({ job, message }) => job ?? message)).size;
  }
}
