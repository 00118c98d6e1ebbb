import { isUtf8 } from 'node:buffer';
import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { FieldProblem, SignalboxError } from '../foundation/errors.js';
import { fieldsInvalid, httpErrors } from './errors.js';
import { typedError } from './foreign-errors.js';
import type { HttpLimits } from './limits.js';
import { decoded } from './request-shape.js';
import { unstorableStrings } from './unstorable.js';

export const formMediaTypes = ['multipart/form-data', 'application/x-www-form-urlencoded'] as const;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes forms without files: `request.body` is then a `FormFields` when validation begins. */
    form?: boolean;
  }
}

/** The fields of a form, each given once. */
export type FormFields = Readonly<Record<string, string>>;

const maxNameLength = 100;

/** Reads `application/x-www-form-urlencoded`. @throws encoding_invalid, form_too_large, fields_invalid */
export function parseUrlEncoded(body: Buffer, limits: HttpLimits): FormFields {
  const collector = new FieldCollector(limits);
  const pairs = body.toString('latin1').split('&');
  for (const pair of pairs.filter((text) => text !== '')) {
    const [rawName = '', ...rest] = pair.split('=');
    const rawValue = rest.join('=');
    const name = isAscii(rawName) ? decoded(rawName) : undefined;
    const value = isAscii(rawValue) ? decoded(rawValue) : undefined;
    if (name === undefined || value === undefined)
      collector.refuse('encoding', name ?? 'body', 'is not valid UTF-8');
    else collector.add(name, value);
  }
  return collector.finish();
}

export function isForm(request: FastifyRequest): boolean {
  const given = request.headers['content-type'];
  if (given === 'application/json') return false;
  const type = given?.split(';')[0]?.trim().toLowerCase();
  return formMediaTypes.some((known) => known === type);
}

/**
 * The fields of a form without files, however it was sent.
 * @throws fields_invalid naming a file part, a doubled or unreadable field; encoding_invalid; form_too_large;
 * body_truncated; body_malformed
 */
export async function readForm(request: FastifyRequest, limits: HttpLimits): Promise<FormFields> {
  if (!request.isMultipart()) return (request.body ?? {}) as FormFields;
  const collector = new FieldCollector(limits);
  // Field values are taken as bytes, so that broken UTF-8 is seen and not silently replaced.
  const options = {
    defCharset: 'latin1',
    limits: {
      fieldNameSize: maxNameLength,
      fieldSize: limits.formBytes,
      fields: limits.formFields,
      files: 1,
      parts: limits.formFields + 1,
      headerPairs: 20,
    },
  };
  let received = 0;
  for await (const part of readParts(request, options)) {
    if (part.type === 'file') {
      // The rest of it is of no interest: stopping here is what keeps a large file from being read.
      part.file.destroy();
      collector.refuse('field', part.fieldname || 'body', 'must be a text field, not a file');
      break;
    }
    const { fieldname: name, value } = part;
    if (part.fieldnameTruncated)
      collector.refuse('field', name, `has a name of more than ${maxNameLength} characters`);
    else if (part.valueTruncated)
      collector.refuse('field', name, `must have at most ${limits.formBytes} bytes`);
    else if (typeof value !== 'string') collector.refuse('field', name, 'must be text');
    else collector.addBytes(name, value);
    received += typeof value === 'string' ? value.length : 0;
    if (received > limits.formBytes) {
      throw httpErrors.body_too_large(`A form may have at most ${limits.formBytes} bytes.`);
    }
  }
  return collector.finish();
}

type PartOptions = NonNullable<Parameters<FastifyRequest['parts']>[0]>;

/** The parts of a multipart body as they arrive, with the parser's errors typed. */
export async function* readParts(request: FastifyRequest, options?: PartOptions): AsyncGenerator<Multipart> {
  try {
    yield* request.parts(options);
  } catch (error) {
    throw multipartError(error);
  }
}

/**
 * What the parser of multipart bodies throws, typed; it also ends the stream of a file part with it. Broken
 * syntax comes as plain errors that have no code, so what is unknown here is the caller's fault: hand in
 * only what the parser threw.
 */
export function multipartError(error: unknown): SignalboxError {
  const typed = typedError(error);
  if (typed.code !== 'internal_error') return typed;
  return httpErrors.body_malformed('The multipart body is broken or incomplete.', { cause: error });
}

class FieldCollector {
  readonly #limits: HttpLimits;
  readonly #fields = new Map<string, string>();
  readonly #problems: { kind: 'encoding' | 'field'; problem: FieldProblem }[] = [];

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  refuse(kind: 'encoding' | 'field', field: string, message: string): void {
    this.#problems.push({ kind, problem: { field, message } });
  }

  /** `value` holds one byte per character. */
  addBytes(name: string, value: string): void {
    const bytes = Buffer.from(value, 'latin1');
    if (isUtf8(bytes)) this.add(name, bytes.toString('utf8'));
    else this.refuse('encoding', name, 'is not valid UTF-8');
  }

  add(name: string, value: string): void {
    if (this.#fields.has(name)) {
      this.refuse('field', name, 'must be given only once');
      return;
    }
    if (name.length > maxNameLength) {
      this.refuse('field', name, `has a name of more than ${maxNameLength} characters`);
      return;
    }
    this.#fields.set(name, value);
    if (this.#fields.size > this.#limits.formFields) {
      throw httpErrors.form_too_large(`A form may have at most ${this.#limits.formFields} fields.`);
    }
  }

  /** A field named like a member of every object stays a mere name: the fields are defined, not assigned. */
  finish(): FormFields {
    const fields = Object.fromEntries(this.#fields);
    const found = [...this.#problems.map(({ problem }) => problem), ...unstorableStrings(fields, 'body')];
    if (found.length === 0) return fields;
    const encoding = this.#problems.some(({ kind }) => kind === 'encoding');
    throw fieldsInvalid(found, encoding ? httpErrors.encoding_invalid : httpErrors.fields_invalid);
  }
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is the point
  return /^[\x00-\x7f]*$/.test(text);
}
