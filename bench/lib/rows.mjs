import { bestOf, isAccepted, median, ratioOf } from './statistics.mjs';

/**
 * @param {object} measure see measures/index.mjs
 * @param {Map<string, {samples: object[], failure?: string, notAvailable?: boolean}>} outcomes by contender
 * @param {{scale: number}} options
 * @returns one row per entry of `measure.rows`; a contender that failed in any round has no figure
 */
export function rowsOf(measure, outcomes, { scale }) {
  return measure.rows.map((row) => rowOf(row, measure, outcomes, scale));
}

function rowOf(row, measure, outcomes, scale) {
  const ours = outcomes.get('signalbox');
  const figure = (outcome, take) =>
    outcome.failure === undefined ? median(outcome.samples.map(take)) : null;
  const value = figure(ours, row.take);
  const peers = {};
  for (const name of measure.contenders.filter((one) => one !== 'signalbox')) {
    peers[name] = figure(outcomes.get(name), row.take);
  }
  for (const [name, take] of Object.entries(row.baselines ?? {})) peers[name] = figure(ours, take);
  const opponents = row.opponents ?? Object.keys(peers);
  const best = bestOf(Object.fromEntries(opponents.map((name) => [name, peers[name]])), row.better);
  const ratio = best === null ? null : ratioOf(value, peers[best], row.better);
  const judged = row.judgedBy === 'ratio' ? opponents : [];
  const complete = value !== null && judged.every((name) => peers[name] !== null) && scale === 1;
  const failures = Object.fromEntries(
    [...outcomes]
      .filter(([, { failure }]) => failure !== undefined)
      .map(([name, { failure }]) => [name, failure]),
  );
  return {
    measure: row.measure,
    unit: row.unit,
    better: row.better,
    signalbox: value,
    peers,
    best_peer: best,
    ratio,
    goal: row.goal,
    accepted_from: row.acceptedFrom,
    accepted: isAccepted({ ...row, ratio, value, complete }),
    judged_by: row.judgedBy,
    status: statusOf(ours, scale),
    failures,
    notes: Object.fromEntries(
      [...outcomes].filter(([, { note }]) => note !== undefined).map(([name, { note }]) => [name, note]),
    ),
    samples: Object.fromEntries(
      [...outcomes].map(([name, { samples, failure }]) => [
        name,
        failure === undefined ? samples.map(row.take) : [],
      ]),
    ),
  };
}

function statusOf(ours, scale) {
  if (ours.notAvailable) return 'not available';
  if (ours.failure !== undefined) return 'failed';
  return scale === 1 ? 'measured' : 'scaled down';
}
