/** Thrown by a measure of something that Signalbox does not have yet. */
class NotAvailable extends Error {
  notAvailable = true;
}

/** To be written with the limits: 10,000 keys, the drain rate and a count of violations by the handlers themselves. */
export const keys = {
  name: 'keys',
  contenders: ['signalbox'],
  maxRounds: 1,
  run: async () => {
    throw new NotAvailable('Signalbox has no limits per key yet');
  },
  rows: [
    {
      measure: 'keys',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.35,
      acceptedFrom: 0.35,
      judgedBy: 'ratio',
      take: ({ keyed }) => keyed,
      baselines: { 'signalbox, no keys': ({ plain }) => plain },
    },
  ],
};
