import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectStore } from '../../storage/object-store.js';
import { parseRange } from './byte-range.js';
import { imageErrors } from './errors.js';

/** An object that never changes, as it is to be downloaded. */
export interface Download {
  readonly key: string;
  readonly bytes: number;
  /** Names its content for good. */
  readonly sha256: string;
  readonly contentType: string;
  readonly filename: string;
}

/** Answers GET and HEAD with an object or the range of it that was asked for; 304 when the caller has it. */
export async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  store: ObjectStore,
  { key, bytes: total, sha256, contentType, filename }: Download,
): Promise<FastifyReply> {
  const etag = `"${sha256}"`;
  reply.headers({
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': contentDisposition(filename),
  });
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
  const { range: asked, 'if-range': ifRange } = request.headers;
  const range = ifRange === undefined || ifRange === etag ? parseRange(asked, total) : 'whole';
  if (range === 'unsatisfiable') {
    reply.removeHeader('content-disposition');
    reply.header('content-range', `bytes */${total}`);
    throw imageErrors.output_range_invalid(`The range lies outside the ${total} bytes.`, {
      fields: [{ field: 'Range', message: `must begin before byte ${total}` }],
    });
  }
  reply.type(contentType);
  if (range !== 'whole')
    reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${total}`);
  if (request.method === 'HEAD') {
    return reply.header('content-length', range === 'whole' ? total : range.last - range.first + 1).send();
  }
  const opened = await store.open(key, range === 'whole' ? undefined : range);
  return reply.header('content-length', opened.bytes).send(opened.stream);
}

/** Weak comparison, as `If-None-Match` wants it. */
function matches(header: string | undefined, etag: string): boolean {
  const given = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return given.includes(etag) || given.includes('*');
}

/** The name for all clients in ASCII, and for those that can in full (RFC 6266). */
export function contentDisposition(filename: string): string {
  const plain = filename.normalize('NFKD').replace(/[^\w.() -]/g, '') || 'image';
  const full = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename="${plain}"; filename*=UTF-8''${full}`;
}
