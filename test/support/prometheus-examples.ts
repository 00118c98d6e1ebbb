/** When a rule must fire and when it must not any more, for promtool. */
export interface RuleExample {
  readonly rule: string;
  /** Between two samples, and between two evaluations; 10 unless told. */
  readonly everySeconds?: number;
  /** Each series with its values in the notation of promtool: bad at first, then good. */
  readonly series: Readonly<Record<string, string>>;
  /** What the alert is told apart by, severity aside. */
  readonly labels: Readonly<Record<string, string>>;
  /** Not yet fired: the condition holds and the time of the rule is not over. Seconds; left out for rules without. */
  readonly pendingAt?: number;
  readonly firingAt: number;
  readonly resolvedAt: number;
}

/** One of a rule that rests on a finding, which is there for two minutes and then gone. */
function finding(rule: string, code: string, labels: Readonly<Record<string, string>>): RuleExample {
  const all = Object.entries({ code, ...labels }).map(([name, value]) => `${name}="${value}"`);
  return {
    rule,
    series: { [`signalbox_work_findings{${all.join(',')}}`]: '1x12 stale' },
    labels,
    firingAt: 60,
    resolvedAt: 140,
  };
}

/** Bad for five minutes, then good: a budget that burns fast, until half an hour without, or slowly, until six. */
function burn(
  objective: string,
  bad: string,
  good: string,
  labels: Readonly<Record<string, string>>,
): readonly RuleExample[] {
  return [
    {
      rule: `${objective}BudgetBurn`,
      series: { [bad]: '0+5x30 150x240', [good]: '0+5x270' },
      labels,
      pendingAt: 60,
      firingAt: 290,
      resolvedAt: 2_400,
    },
    {
      rule: `${objective}BudgetSlowBurn`,
      everySeconds: 60,
      series: { [bad]: '0+30x5 150x445', [good]: '0+30x450' },
      labels,
      pendingAt: 600,
      firingAt: 1_500,
      resolvedAt: 23_400,
    },
  ];
}

/** One that is bad for a time and then good. */
function gaugeOf(
  rule: string,
  series: string,
  values: string,
  times: Pick<RuleExample, 'pendingAt' | 'firingAt' | 'resolvedAt'>,
): RuleExample {
  return { rule, series: { [series]: values }, labels: { queue: 'images' }, ...times };
}

const failed = 'signalbox_jobs_finished_total{queue="images",task="t",outcome="failed",reason="crashed"}';
const succeeded = 'signalbox_jobs_finished_total{queue="images",task="t",outcome="succeeded",reason="none"}';

const inTime = 'signalbox_job_wait_seconds_count{queue="images",task="soon"}';

/** A series of one process, as it is scraped. */
const at = (name: string, labels = '') => `${name}{${labels}job="signalbox",instance="a:1"}`;
const ofProcess = { job: 'signalbox', instance: 'a:1' };

const slowRoute = (le: string) => at('http_request_duration_seconds_bucket', `le="${le}",route="/jobs",`);

/** About a process and what it depends on: bad for so many samples, then good. */
const vitalsExamples: readonly RuleExample[] = [
  {
    rule: 'MemoryHigh',
    series: {
      [at('process_resident_memory_bytes')]: '90x20 89x10',
      [at('signalbox_process_memory_limit_bytes')]: '100x30',
    },
    labels: ofProcess,
    pendingAt: 110,
    firingAt: 130,
    resolvedAt: 220,
  },
  {
    rule: 'CpuHigh',
    series: { [at('process_cpu_seconds_total')]: '0+17x50 850x20', [at('signalbox_process_cpus')]: '2x70' },
    labels: ofProcess,
    pendingAt: 290,
    firingAt: 400,
    resolvedAt: 570,
  },
  {
    rule: 'EventLoopLag',
    series: { [at('signalbox_event_loop_lag_seconds', 'percentile="99",')]: '0.5x10 0.4x10' },
    labels: ofProcess,
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 120,
  },
  {
    rule: 'PoolExhausted',
    series: {
      [at('signalbox_db_pool_waiting')]: '1x10 0x10',
      [at('signalbox_db_pool_in_use')]: '10x20',
      [at('signalbox_db_pool_size')]: '10x20',
    },
    labels: ofProcess,
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 120,
  },
  {
    // Nine of ten take between two and five seconds, for five minutes.
    rule: 'HttpSlow',
    series: {
      [slowRoute('2.0')]: '0+1x30 30+10x100',
      [slowRoute('5.0')]: '0+10x130',
      [slowRoute('+Inf')]: '0+10x130',
      [at('http_request_duration_seconds_count', 'route="/jobs",')]: '0+10x130',
    },
    labels: ofProcess,
    pendingAt: 60,
    firingAt: 200,
    resolvedAt: 650,
  },
  {
    rule: 'DatabaseSlow',
    series: { [at('signalbox_database_ping_seconds')]: '0.5x10 0.4x10' },
    labels: {},
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 120,
  },
  {
    rule: 'RedisSlow',
    series: { [at('signalbox_redis_ping_seconds')]: '0.2x10 0.1x10' },
    labels: {},
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 120,
  },
  {
    rule: 'RedisDown',
    series: { [at('signalbox_redis_up')]: '0x6 1x10' },
    labels: {},
    pendingAt: 10,
    firingAt: 30,
    resolvedAt: 90,
  },
  {
    rule: 'DatabaseDown',
    series: { [at('signalbox_database_up')]: '1 0x6 1x10' },
    labels: ofProcess,
    firingAt: 20,
    resolvedAt: 90,
  },
];

export const ruleExamples: readonly RuleExample[] = [
  ...vitalsExamples,
  gaugeOf('QueueDeep', 'signalbox_queue_jobs{queue="images",state="queued"}', '51x60 50x10', {
    pendingAt: 290,
    firingAt: 310,
    resolvedAt: 620,
  }),
  gaugeOf('JobsWaitLong', 'signalbox_queue_oldest_waiting_age_seconds{queue="images"}', '301x20 0x10', {
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 220,
  }),
  gaugeOf('JobsWaitVeryLong', 'signalbox_queue_oldest_waiting_age_seconds{queue="images"}', '1801x20 0x10', {
    pendingAt: 50,
    firingAt: 70,
    resolvedAt: 220,
  }),
  {
    rule: 'JobsFailing',
    series: { [failed]: '0+1x30 30x100', [succeeded]: '0+5x130' },
    labels: { queue: 'images' },
    pendingAt: 60,
    firingAt: 200,
    resolvedAt: 1_290,
  },
  {
    rule: 'SuccessLow',
    series: { [failed]: '0+1x30 30x370', [succeeded]: '0+5x400' },
    labels: { queue: 'images' },
    pendingAt: 60,
    firingAt: 200,
    resolvedAt: 3_950,
  },
  {
    rule: 'HttpErrors',
    series: {
      'http_requests_total{method="GET",route="/jobs",status="500"}': '0+1x30 30x100',
      'http_requests_total{method="GET",route="/jobs",status="200"}': '0+5x130',
    },
    labels: {},
    firingAt: 200,
    resolvedAt: 650,
  },
  { ...finding('NoLiveWorkers', 'no_live_worker', { queue: 'images' }), pendingAt: 10 },
  { ...finding('NoWorkerForTask', 'no_worker_for_task', { queue: 'images' }), pendingAt: 20 },
  { ...finding('WorkNotTaken', 'not_taken', { queue: 'images' }), pendingAt: 10 },
  finding('JobsNotRescued', 'worker_lost', { queue: 'images' }),
  finding('AttemptOverrun', 'attempt_overrun', { queue: 'images' }),
  { ...finding('JobsNotPromoted', 'not_promoted', { queue: 'images' }), pendingAt: 10 },
  { ...finding('NoLeader', 'no_leader', {}), pendingAt: 10 },
  { ...finding('CanaryUnanswered', 'canary_unanswered', { queue: 'images' }), pendingAt: 10 },
  { ...finding('ScheduleMissed', 'schedule_late', { schedule: 'nightly' }), pendingAt: 20 },
  finding('ScheduleFailing', 'schedule_failing', { schedule: 'nightly' }),
  {
    rule: 'PausedLong',
    series: { 'signalbox_queue_paused{queue="images"}': '1x370 0x10' },
    labels: { queue: 'images' },
    pendingAt: 3_500,
    firingAt: 3_600,
    resolvedAt: 3_760,
  },
  {
    rule: 'ProcessDown',
    series: { 'up{job="signalbox",instance="a:1"}': '1 0x6 1x10' },
    labels: { job: 'signalbox', instance: 'a:1' },
    pendingAt: 30,
    firingAt: 50,
    resolvedAt: 90,
  },
  {
    rule: 'MetricsStale',
    series: { 'signalbox_cluster_age_seconds{job="signalbox",instance="a:1"}': '3 65x6 2x10' },
    labels: { job: 'signalbox', instance: 'a:1' },
    pendingAt: 10,
    firingAt: 30,
    resolvedAt: 90,
  },
  ...burn('Success', failed, succeeded, { queue: 'images' }),
  ...burn(
    'Availability',
    'http_requests_total{method="GET",route="/jobs",status="500"}',
    'http_requests_total{method="GET",route="/jobs",status="200"}',
    {},
  ),
  // Those that waited are counted and in no bucket up to 30 s.
  ...burn('Freshness', 'signalbox_job_wait_seconds_count{queue="images",task="late"}', inTime, {
    queue: 'images',
  }).map((example) => ({
    ...example,
    series: {
      ...example.series,
      'signalbox_job_wait_seconds_bucket{queue="images",task="late",le="30.0"}': '0x450',
      'signalbox_job_wait_seconds_bucket{queue="images",task="soon",le="30.0"}': example.series[inTime] ?? '',
    },
  })),
];
