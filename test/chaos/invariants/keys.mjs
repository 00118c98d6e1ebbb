/** Two programs read one clock. */
const clockMs = 20;

/**
 * A unique key has one holder. That no two unfinished jobs have one key at any instant is watched by an index of the
 * database itself; here: whoever was refused was refused for the sake of a job that had the key and had not ended.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function keys({ ledger, jobs }, report) {
  let refused = 0;
  for (const { id, answer, holder: holderId, askedAt } of ledger.entries.values()) {
    if (answer !== 'refused' || holderId === undefined) continue;
    refused += 1;
    const holder = jobs.get(holderId);
    if (holder === undefined)
      report.add('key_misjudged', id, `was refused for job ${holderId}, which is not there`);
    else if (holder.uniqueKey === null)
      report.add('key_misjudged', id, `was refused for job ${holderId} without a key`);
    else if (holder.finishedAt !== null && holder.finishedAt.getTime() < askedAt - clockMs) {
      report.add(
        'key_misjudged',
        id,
        `was refused for job ${holderId}, which had ended ${askedAt - holder.finishedAt.getTime()} ms before`,
      );
    }
  }
  report.figures.refused = refused;
}
