/** What one caller may ask of the server. Bytes and milliseconds. */
export interface HttpLimits {
  /** Largest JSON body. */
  readonly bodyBytes: number;
  /** Largest form without files. */
  readonly formBytes: number;
  /** Fields of a form without files. */
  readonly formFields: number;
  /** Request line and headers together; bounds every URL. */
  readonly headerBytes: number;
  /** One part of a path. */
  readonly pathPartLength: number;
  /** Nesting of JSON. */
  readonly jsonDepth: number;
  /** Event streams open at once. */
  readonly streams: number;
  /** For the headers to arrive. */
  readonly headersMs: number;
  /** For the whole request to arrive, uploads included. */
  readonly requestMs: number;
  /** A connection on which nothing moves in either direction is cut. */
  readonly idleMs: number;
  /** An unused connection is kept for another request. */
  readonly keepAliveMs: number;
  /** After an early refusal, how long the rest of the body is read and dropped so that the answer arrives. */
  readonly lingerMs: number;
  /** For requests under way to end at shutdown; then they are cut. */
  readonly closeMs: number;
}

export const defaultLimits: HttpLimits = Object.freeze({
  bodyBytes: 1_048_576,
  formBytes: 65_536,
  formFields: 20,
  headerBytes: 16_384,
  pathPartLength: 1_024,
  jsonDepth: 64,
  streams: 1_000,
  headersMs: 15_000,
  requestMs: 300_000,
  idleMs: 120_000,
  keepAliveMs: 65_000,
  lingerMs: 2_000,
  closeMs: 10_000,
});
