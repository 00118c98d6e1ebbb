import { defineErrors, isSignalboxError, messageOf, type SignalboxError } from '../../foundation/errors.js';

export const embeddedErrors = defineErrors({
  embedded_unsupported_platform: {
    status: 500,
    retryable: false,
    title: 'There is no embedded PostgreSQL for this platform.',
  },
  embedded_binaries_unusable: {
    status: 500,
    retryable: false,
    title: 'The binaries of the embedded PostgreSQL do not run here.',
  },
  embedded_account_missing: {
    status: 500,
    retryable: false,
    title: 'PostgreSQL does not run as root, and there is no other account to run it as.',
  },
  embedded_data_unusable: {
    status: 500,
    retryable: false,
    title: 'The data folder of the embedded PostgreSQL cannot be used as it is.',
  },
  embedded_start_failed: {
    status: 500,
    retryable: false,
    title: 'The embedded PostgreSQL did not start.',
  },
  embedded_start_timeout: {
    status: 503,
    retryable: true,
    title: 'The embedded PostgreSQL did not become ready in time.',
  },
  embedded_stop_timeout: {
    status: 500,
    retryable: false,
    title: 'The embedded PostgreSQL did not stop in time.',
  },
});

type EmbeddedCode = keyof typeof embeddedErrors.$specs;

/** Any failure as one of this module's errors; what is one already stays. */
export function asEmbeddedError(error: unknown, doing: string): SignalboxError {
  if (isSignalboxError(error) && isEmbeddedCode(error.code)) return error;
  return embeddedErrors.embedded_start_failed(`${doing}: ${messageOf(error)}`, { cause: error });
}

/** The error that a supervisor sent as text. A code this version does not know becomes `embedded_start_failed`. */
export function embeddedErrorFrom(code: string, message: string): SignalboxError {
  return embeddedErrors[isEmbeddedCode(code) ? code : 'embedded_start_failed'](message);
}

function isEmbeddedCode(code: string): code is EmbeddedCode {
  return Object.hasOwn(embeddedErrors.$specs, code);
}
