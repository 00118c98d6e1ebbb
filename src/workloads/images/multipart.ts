import type { FastifyRequest } from 'fastify';
import { SignalboxError } from '../../foundation/errors.js';
import { multipartError, readParts } from '../../http/form.js';
import type { UploadPart } from './upload.js';

/** The parts of a request as an upload reads them; what is wrong with the body names the field it is in. */
export async function* uploadParts(request: FastifyRequest): AsyncGenerator<UploadPart> {
  const options = {
    // Otherwise the parser itself would cut `../../x.jpg` to `x.jpg`, and nobody would know.
    preservePath: true,
    // The size is capped where the bytes are written. One more of each than is right, so that it is seen and named.
    limits: {
      fieldNameSize: 100,
      fieldSize: 1_024,
      fields: 2,
      files: 2,
      parts: 3,
      fileSize: Number.POSITIVE_INFINITY,
      headerPairs: 20,
    },
  };
  for await (const part of naming(readParts(request, options))) {
    const name = part.fieldname ?? '';
    if (part.type === 'field') yield { kind: 'field', name };
    else {
      const { file, filename } = part;
      const bytes = naming(typed(file));
      yield { kind: 'file', name, filename: filename ?? '', bytes, dismiss: () => file.destroy() };
    }
  }
}

async function* typed(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw multipartError(error);
  }
}

async function* naming<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.fields.length > 0) throw error;
    const fields = [{ field: 'file', message: 'could not be read to its end' }];
    throw new SignalboxError(error.code, error, error.message, { cause: error, fields });
  }
}
