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
  // Nearly every value passes, and needs no path to each of its parts.
  if (isStorable(value)) return [];
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

/** The depth must be bounded before. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isStorable);
  const members = value as Readonly<Record<string, unknown>>;
  return Object.keys(members).every((key) => isStorableText(key) && isStorable(members[key]));
}

function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
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
