import { defineSection } from '../config/section.js';
import { duration, flag, integer, text } from '../config/setting.js';

export const appSection = defineSection({
  name: 'app',
  settings: {
    environment: text({
      env: 'ENVIRONMENT',
      help: 'Name of the environment; "production" closes what is open for convenience.',
      fallback: 'development',
      maxLength: 50,
    }),
    home: text({
      env: 'SIGNALBOX_HOME',
      help: 'Folder for the embedded database and local files.',
      fallback: '.signalbox',
    }),
    host: text({
      env: 'HOST',
      help: 'Address the server listens on. Anything but loopback needs SIGNALBOX_API_KEY.',
      fallback: '127.0.0.1',
      maxLength: 255,
    }),
    port: integer({
      env: 'PORT',
      help: 'Port the server listens on; 0 takes a free one.',
      fallback: 8000,
      min: 0,
      max: 65_535,
    }),
    migrateOnStart: flag({
      env: 'SIGNALBOX_MIGRATE',
      help: 'Whether a start runs pending migrations. When false it refuses to start while there are any.',
      fallback: true,
    }),
    databaseWaitMs: duration({
      env: 'SIGNALBOX_DATABASE_WAIT',
      help: 'How long a start waits for the database to answer.',
      fallback: 30_000,
      maxMs: 3_600_000,
    }),
    tasks: text({
      env: 'SIGNALBOX_TASKS',
      help: 'Folder whose .js and .mjs files export further tasks.',
      fallback: undefined,
    }),
  },
});
