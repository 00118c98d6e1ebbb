/** A value as PostgreSQL's `jsonb` can hold it, or why it cannot. */
export type StorableJson =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly path: string; readonly problem: string };

/** Larger values belong in an object store, with their key in the job. Bytes of JSON. */
export const maxJsonBytes = 1_048_576;

/** `jsonb` refuses U+0000 and lone surrogates; JSON itself refuses cycles and BigInt. */
export function storableJson(value: unknown): StorableJson {
  let text: string | undefined;
  try {
    text = JSON.stringify(value ?? null);
  } catch (error) {
    // TypeError for a cycle or a BigInt, RangeError for a string too long: both are the value's fault.
    return { ok: false, path: '', problem: `cannot be written as JSON (${(error as Error).name})` };
  }
  if (text === undefined) return { ok: false, path: '', problem: 'cannot be written as JSON' };
  // Whatever cannot be stored leaves an escape in the text, and nesting needs two characters a level: most values
  // need no second look.
  if (text.length > maxDepth * 2 || suspicious.test(text)) {
    const bad = findUnstorable(value, '', 0);
    if (bad !== undefined) return { ok: false, ...bad };
  }
  const bytes = text.length * 3 > maxJsonBytes ? Buffer.byteLength(text) : 0;
  if (bytes > maxJsonBytes) {
    return { ok: false, path: '', problem: `is ${bytes} bytes of JSON; at most ${maxJsonBytes} are allowed` };
  }
  return { ok: true, text };
}

const maxDepth = 100;
const suspicious = /\\u(?:0000|d[89a-f])/;

function findUnstorable(
  value: unknown,
  path: string,
  depth: number,
): { path: string; problem: string } | undefined {
  if (typeof value === 'string') {
    return isStorableText(value) ? undefined : { path, problem: unstorableText };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > maxDepth) return { path, problem: `is nested deeper than ${maxDepth} levels` };
  for (const [key, member] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (!isStorableText(key)) return { path, problem: `has a name that ${unstorableText}` };
    const found = findUnstorable(member, at, depth + 1);
    if (found) return found;
  }
  return undefined;
}

const unstorableText = 'contains a NUL character or broken Unicode';

export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}
