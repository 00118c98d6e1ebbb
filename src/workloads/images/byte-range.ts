import type { ByteRange } from '../../storage/object-store.js';

/**
 * What a `Range` header asks of `total` bytes (RFC 9110, 14). `whole`: there is none, it is not understood, or
 * it asks for several pieces, which a server may answer with everything.
 */
export function parseRange(header: string | undefined, total: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '');
  if (match === null) return 'whole';
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return 'whole';
  if (from === '') {
    const wanted = Number(to);
    if (wanted === 0 || total === 0) return 'unsatisfiable';
    return { first: Math.max(0, total - wanted), last: total - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return 'whole';
  if (first >= total) return 'unsatisfiable';
  return { first, last: to === '' ? total - 1 : Math.min(Number(to), total - 1) };
}
