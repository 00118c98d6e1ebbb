/** One entry of an error catalogue: what callers may rely on for a code. */
export interface ErrorSpec {
  /** HTTP status with which the error is answered. */
  readonly status: number;
  /** Whether the same call may succeed later with nothing changed by the caller. */
  readonly retryable: boolean;
  /** One short sentence, the same for every occurrence. */
  readonly title: string;
}

/** One problem with one named part of the caller's input. `field` is a path such as `input.tier`. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

export interface ErrorOptions {
  readonly fields?: readonly FieldProblem[];
  readonly cause?: unknown;
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/** Every error that Signalbox raises on purpose. Control flow reads `code`, never `message`. */
export class SignalboxError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly fields: readonly FieldProblem[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, spec: ErrorSpec, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SignalboxError';
    this.code = code;
    this.status = spec.status;
    this.retryable = spec.retryable;
    this.title = spec.title;
    this.fields = options.fields ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export type ErrorFactory = (message: string, options?: ErrorOptions) => SignalboxError;
export type ErrorCatalogue<Code extends string> = { readonly [K in Code]: ErrorFactory } & {
  /** The declared entries, for the documentation and its test. */
  readonly $specs: Readonly<Record<Code, ErrorSpec>>;
};

/** Declares the errors of one module. `errors.job_not_found('…')` builds one, ready to throw. */
export function defineErrors<const Code extends string>(
  specs: Readonly<Record<Code, ErrorSpec>>,
): ErrorCatalogue<Code> {
  const catalogue: Record<string, unknown> = { $specs: Object.freeze({ ...specs }) };
  for (const code of Object.keys(specs) as Code[]) {
    const spec = specs[code];
    catalogue[code] = (message: string, options?: ErrorOptions) =>
      new SignalboxError(code, spec, message, options);
  }
  return Object.freeze(catalogue) as ErrorCatalogue<Code>;
}

export function isSignalboxError(error: unknown, code?: string): error is SignalboxError {
  return error instanceof SignalboxError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown. For people to read, never to branch on. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
