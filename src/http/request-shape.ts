import type { FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';
import type { FieldProblem } from '../foundation/errors.js';
import { fieldsInvalid, httpErrors } from './errors.js';
import { consumedBy } from './routes.js';
import { unstorableStrings } from './unstorable.js';

/** Before the body is read: is what is announced something that this route reads? @throws media_type_unsupported */
export function assertMediaType({ headers }: FastifyRequest, schema: FastifySchema | undefined): void {
  const type = headers['content-type'];
  const accepted = consumedBy(schema);
  // What nearly every request says.
  if (type === 'application/json' && headers['content-encoding'] === undefined && accepted.includes(type))
    return;
  const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (type === undefined && empty) return;
  const [mediaType = '', ...parameters] = (type ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (!accepted.includes(mediaType)) {
    throw httpErrors.media_type_unsupported(`The Content-Type must be ${accepted.join(' or ')}.`);
  }
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !['utf-8', '"utf-8"', 'utf8'].includes(charset)) {
    throw httpErrors.media_type_unsupported('The charset must be UTF-8.');
  }
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw httpErrors.media_type_unsupported(
      'The Content-Encoding must be identity: compressed bodies are not read.',
    );
  }
}

/** Percent-encoding that is no UTF-8 would reach the route as other text than was sent. @throws encoding_invalid */
export function assertUrlText(request: FastifyRequest): void {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  if (mark >= 0) assertQueryText(url.slice(mark + 1));
  const unstorable = unstorableStrings(request.params, 'path');
  if (unstorable.length > 0) throw fieldsInvalid(unstorable);
}

function assertQueryText(query: string): void {
  const problems: FieldProblem[] = [];
  for (const pair of query.split('&')) {
    const [name = '', ...rest] = pair.split('=');
    const field = decoded(name);
    if (field === undefined || decoded(rest.join('=')) === undefined) {
      problems.push({ field: field || 'query', message: 'is not validly percent-encoded UTF-8' });
    }
  }
  if (problems.length > 0) throw fieldsInvalid(problems, httpErrors.encoding_invalid);
}

/**
 * What a route has no schema for, it does not take. Routes that are hidden from the API's description serve
 * files and pages, whose scripts read the query for themselves.
 * @throws fields_invalid
 */
export function assertDeclaredQuery(request: FastifyRequest, schema: FastifySchema | undefined): void {
  if (schema?.hide !== true && schema?.querystring === undefined) refuseUnknown(membersOf(request.query));
}

/** A body that a route needs must be there, and one that it does not know must not. @throws body_missing, fields_invalid */
export function assertDeclaredBody(request: FastifyRequest, { body: schema }: FastifySchema = {}): void {
  if (schema === undefined) refuseUnknown(membersOf(request.body));
  if (schema instanceof z.ZodType && request.body === undefined && !schema.safeParse(undefined).success) {
    throw httpErrors.body_missing('The request needs a body, and its Content-Type.', {
      fields: [{ field: 'body', message: 'is required' }],
    });
  }
}

function refuseUnknown(names: readonly string[]): void {
  if (names.length === 0) return;
  throw fieldsInvalid(names.map((field) => ({ field, message: 'is not a known field here' })));
}

function membersOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return typeof value === 'object' ? Object.keys(value) : ['body'];
}

/** `undefined` when it does not decode. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
