import type { FieldProblem } from '../foundation/errors.js';

/** The dotted name of a place in a request: `input.tags.0`. */
export function fieldName(path: readonly PropertyKey[], whole: string): string {
  return path.length === 0 ? whole : path.map(String).join('.');
}

/**
 * Strings, keys included, that PostgreSQL cannot hold: with U+0000, or with half of a surrogate pair,
 * which is no valid UTF-8. `whole` names the value itself.
 */
export function unstorableStrings(value: unknown, whole: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  visitStrings(value, (text, path) => {
    if (text.includes('\u0000')) {
      problems.push({ field: fieldName(path, whole), message: 'must not contain the NUL character' });
    } else if (!text.isWellFormed()) {
      problems.push({
        field: fieldName(path, whole),
        message: 'must be valid Unicode, without lone surrogates',
      });
    }
  });
  return problems;
}

/** Calls `visit` for every string in a JSON value and for every key. The depth must be bounded before. */
export function visitStrings(
  value: unknown,
  visit: (text: string, path: readonly PropertyKey[]) => void,
  path: readonly PropertyKey[] = [],
): void {
  if (typeof value === 'string') visit(value, path);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const inner = [...path, key];
    if (!Array.isArray(value)) visit(key, inner);
    visitStrings(member, visit, inner);
  }
}
