/**
 * | code | what is wrong |
 * | --- | --- |
 * | `no_live_worker` | jobs wait in a queue that no live worker serves |
 * | `no_worker_for_task` | jobs wait for a task that no worker of their queue knows |
 * | `not_taken` | jobs wait although slots are free and nothing forbids them |
 * | `worker_lost` | a dead worker's jobs are not rescued |
 * | `attempt_overrun` | an attempt runs on long after its time-out |
 * | `not_promoted` | the time of jobs has come, and nobody queues them |
 * | `no_leader` | no process does the housekeeping, and there is some to do |
 * | `canary_unanswered` | live workers do not take the canary of a queue that they serve |
 * | `schedule_late` | nobody fires a schedule |
 * | `schedule_failing` | the job of a schedule cannot be enqueued |
 */
export const findingCodes = [
  'no_live_worker',
  'no_worker_for_task',
  'not_taken',
  'worker_lost',
  'attempt_overrun',
  'not_promoted',
  'no_leader',
  'canary_unanswered',
  'schedule_late',
  'schedule_failing',
] as const;
export type FindingCode = (typeof findingCodes)[number];
