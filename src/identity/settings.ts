import { defineSection } from '../config/section.js';
import { text } from '../config/setting.js';

export const apiKeySection = defineSection({
  name: 'identity',
  settings: {
    apiKey: text({
      env: 'SIGNALBOX_API_KEY',
      help: 'Key that callers send as `Authorization: Bearer KEY` or `X-API-Key`, with all permissions. Unset: loopback only, in development only.',
      secret: true,
      fallback: undefined,
      minLength: 16,
      maxLength: 512,
    }),
  },
  check: ({ apiKey }) =>
    // What a header cannot carry unchanged could never be matched: every caller would be locked out.
    apiKey === undefined || /^[\x21-\x7e]+$/.test(apiKey)
      ? []
      : ['SIGNALBOX_API_KEY may only have printable ASCII characters and no spaces'],
});
