import { defineSection } from '../config/section.js';
import { url } from '../config/setting.js';

export const healthSection = defineSection({
  name: 'health',
  settings: {
    redisUrl: url({
      env: 'REDIS_URL',
      help: 'A Redis of the services around Signalbox, for health to watch; Signalbox itself needs none.',
      secret: true,
      fallback: undefined,
      schemes: ['redis', 'rediss'],
    }),
  },
});
