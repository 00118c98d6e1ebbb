import { defineSection } from '../config/section.js';
import { choice, integer, text, url } from '../config/setting.js';

export const telemetrySection = defineSection({
  name: 'telemetry',
  settings: {
    logLevel: choice({
      env: 'LOG_LEVEL',
      help: 'Least level of the log lines that are written: debug, info, warn, error or silent.',
      fallback: 'info',
      words: ['debug', 'info', 'warn', 'error', 'silent'],
      synonyms: { warning: 'warn', critical: 'error', fatal: 'error', trace: 'debug', off: 'silent' },
    }),
    logRate: integer({
      env: 'LOG_RATE',
      help: 'Log lines a second of one message, below warn; five seconds’ worth may come at once. Warnings and errors have twice as much, of their own.',
      fallback: 200,
      min: 1,
      max: 1_000_000,
    }),
    logRateTotal: integer({
      env: 'LOG_RATE_TOTAL',
      help: 'Log lines a second in total, below warn, counted like LOG_RATE.',
      fallback: 400,
      min: 1,
      max: 1_000_000,
    }),
    logRateJob: integer({
      env: 'LOG_RATE_JOB',
      help: 'Lines a second that the handler of one job may add to the log of the process; ten seconds’ worth may come at once.',
      fallback: 10,
      min: 1,
      max: 1_000_000,
    }),
    lokiUrl: url({
      env: 'LOKI_URL',
      help: 'Loki that log lines are pushed to, besides standard output.',
      fallback: undefined,
      schemes: ['http', 'https'],
      secret: true,
    }),
    lokiUser: text({
      env: ['LOKI_USERNAME', 'LOKI_USER'],
      help: 'User that Loki asks for.',
      fallback: undefined,
      maxLength: 255,
    }),
    lokiPassword: text({
      env: 'LOKI_PASSWORD',
      help: 'Password of LOKI_USERNAME.',
      fallback: undefined,
      secret: true,
    }),
    lokiToken: text({
      env: 'LOKI_TOKEN',
      help: 'Bearer token that Loki asks for, instead of a user and password.',
      fallback: undefined,
      secret: true,
    }),
    lokiTenant: text({
      env: 'LOKI_TENANT',
      help: 'Tenant (X-Scope-OrgID) of a Loki that has several.',
      fallback: undefined,
      maxLength: 150,
    }),
  },
  check: ({ lokiUrl, lokiUser, lokiPassword, lokiToken, lokiTenant }) => [
    ...(lokiToken !== undefined && (lokiUser ?? lokiPassword) !== undefined
      ? ['LOKI_TOKEN and LOKI_USERNAME exclude each other']
      : []),
    ...(lokiPassword !== undefined && lokiUser === undefined ? ['LOKI_PASSWORD needs LOKI_USERNAME'] : []),
    ...(lokiUrl === undefined && (lokiUser ?? lokiPassword ?? lokiToken ?? lokiTenant) !== undefined
      ? ['LOKI_URL is unset, and settings of Loki are not']
      : []),
    // What a header cannot carry would fail every push.
    ...[lokiToken, lokiTenant]
      .filter((value) => value !== undefined && !/^[\x21-\x7e]+$/.test(value))
      .map(() => 'LOKI_TOKEN and LOKI_TENANT may only have printable ASCII characters and no spaces'),
  ],
});
