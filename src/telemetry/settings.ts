import { defineSection } from '../config/section.js';
import { choice } from '../config/setting.js';

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
  },
});
