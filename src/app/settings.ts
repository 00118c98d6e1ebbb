import { defineSection } from '../config/section.js';
import { duration, flag, integer, text, url } from '../config/setting.js';

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
    publicUrl: url({
      env: 'SIGNALBOX_PUBLIC_URL',
      help: 'Where people reach this server, such as https://jobs.example.com: links in notifications begin with it.',
      fallback: undefined,
      schemes: ['https', 'http'],
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
  check: ({ publicUrl }) =>
    publicUrl === undefined || isPlain(publicUrl)
      ? []
      : ['SIGNALBOX_PUBLIC_URL must have no user, password, query or fragment: it is sent to others.'],
});

function isPlain(address: string): boolean {
  const { username, password } = new URL(address);
  return username === '' && password === '' && !/[?#]/.test(address);
}
