/** An answer that was not a 2xx, or no answer at all (`status` 0). `code` is stable, `message` is for people. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;

  constructor(status: number, code: string, message: string, requestId: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Reads problem+json; a proxy's own error page has none, so the status line must do then. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const members: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {};
  const message = text(members.detail) ?? text(members.title) ?? `The server answered ${response.status}.`;
  const code = text(members.code) ?? `http_${response.status}`;
  return new ApiProblem(response.status, code, message, text(members.request_id));
}

/** The problem behind anything a request threw. */
export function asProblem(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return new ApiProblem(0, 'timeout', 'The server did not answer in time.');
  }
  return new ApiProblem(0, 'unreachable', 'The server cannot be reached.');
}
