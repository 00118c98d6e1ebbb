import type { Socket } from 'node:net';
import type { SignalboxError } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import { httpErrors } from './errors.js';
import { problemMediaType, toProblem } from './problem.js';

/**
 * Answers what Node could not read as a request. There is no request and no reply yet, only the socket;
 * nothing of what the client sent is repeated.
 * @returns the status, `undefined` when nothing could be answered
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): number | undefined {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    // After an earlier answer on the connection the client could take ours for the next one's.
    socket.destroy();
    return undefined;
  }
  const typed = typedClientError(error.code);
  const requestId = newId();
  const body = JSON.stringify(toProblem(typed, requestId));
  const head = [
    `HTTP/1.1 ${typed.status} ${typed.code}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'X-Response-Time: 0.0ms',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  return typed.status;
}

function typedClientError(code: string | undefined): SignalboxError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return httpErrors.headers_too_large('The request line and headers together are larger than allowed.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return httpErrors.request_timeout('The request did not arrive in time.');
    default:
      return httpErrors.request_malformed('The request is not valid HTTP.');
  }
}
