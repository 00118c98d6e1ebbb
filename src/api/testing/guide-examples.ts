/** What the guides show as the answer of each route, with the time and the numbers of that day. */
export const guideExamples = {
  '/health': { status: 'healthy' },
  '/api/v1/health': {
    status: 'healthy',
    timestamp: '2025-11-13T13:39:33.916573+00:00',
    services: {
      database: { status: 'healthy', latency_ms: 129.7 },
      redis: { status: 'healthy', latency_ms: 60.2 },
    },
  },
  '/admin/health': {
    status: 'healthy',
    services: { database: 'healthy', redis: 'healthy' },
    workers: { estimated_active: 1 },
  },
  /** Of a database that is away. */
  unhealthy: {
    status: 'unhealthy',
    services: { database: { status: 'unhealthy', error: 'connection refused' } },
  },
  /** Of a Redis that is away. */
  redisAway: { services: { redis: { status: 'unhealthy', error: 'Connection refused' } } },
} as const;

/** Where an answer differs from an example: a field that is missing, of another type, or with another status. */
export function differences(example: unknown, answer: unknown, path = ''): string[] {
  if (typeof example === 'object' && example !== null) {
    if (typeof answer !== 'object' || answer === null) return [`${path} is no object`];
    const given = answer as Record<string, unknown>;
    return Object.entries(example).flatMap(([key, value]) =>
      differences(value, given[key], `${path}.${key}`),
    );
  }
  if (typeof example !== typeof answer) return [`${path} is ${String(answer)}`];
  const words = /^(healthy|degraded|unhealthy)$/;
  if (typeof example === 'string' && words.test(example) && example !== answer) {
    return [`${path} is ${String(answer)}, not ${example}`];
  }
  const isTime = typeof example === 'string' && /^\d{4}-\d\d-\d\dT/.test(example);
  return isTime && Number.isNaN(Date.parse(String(answer))) ? [`${path} is no time`] : [];
}
