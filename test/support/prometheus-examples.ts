/** When a rule must fire and when it must not any more, for promtool: one sample every ten seconds. */
export interface RuleExample {
  readonly rule: string;
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
  const series = { [bad]: '0+5x30 150x2700', [good]: '0+5x2730' };
  return [
    { rule: `${objective}BudgetBurn`, series, labels, pendingAt: 60, firingAt: 290, resolvedAt: 2_400 },
    {
      rule: `${objective}BudgetSlowBurn`,
      series,
      labels,
      pendingAt: 600,
      firingAt: 1_500,
      resolvedAt: 23_000,
    },
  ];
}

export const ruleExamples: readonly RuleExample[] = [
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
  ...burn(
    'Success',
    'signalbox_jobs_finished_total{queue="images",task="t",outcome="failed",reason="crashed"}',
    'signalbox_jobs_finished_total{queue="images",task="t",outcome="succeeded",reason="none"}',
    { queue: 'images' },
  ),
  ...burn(
    'Availability',
    'http_requests_total{method="GET",route="/jobs",status="500"}',
    'http_requests_total{method="GET",route="/jobs",status="200"}',
    {},
  ),
  // Those that waited are counted and in no bucket up to 30 s.
  ...burn(
    'Freshness',
    'signalbox_job_wait_seconds_count{queue="images",task="late"}',
    'signalbox_job_wait_seconds_count{queue="images",task="soon"}',
    { queue: 'images' },
  ).map((example) => ({
    ...example,
    series: {
      ...example.series,
      'signalbox_job_wait_seconds_bucket{queue="images",task="late",le="30.0"}': '0x2730',
      'signalbox_job_wait_seconds_bucket{queue="images",task="soon",le="30.0"}': '0+5x2730',
    },
  })),
];
