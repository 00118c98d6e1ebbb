import { imageErrors } from './errors.js';

export const maxFilenameLength = 255;

/**
 * The name under which an upload is shown. Files are never stored under it. A name that could not be a plain
 * file's is refused rather than mended: whoever sends `../` wants something.
 * @throws asset_name_invalid naming `file.filename`
 */
export function assertFilename(given: string): string {
  const problem = problemOf(given);
  if (problem === undefined) return given.normalize('NFC');
  throw imageErrors.asset_name_invalid(`The name of the file ${problem}.`, {
    fields: [{ field: 'file.filename', message: problem }],
  });
}

function problemOf(name: string): string | undefined {
  if (name.trim() === '') return 'must not be empty';
  if (name.includes('\u0000')) return 'must not contain the NUL character';
  if (!name.isWellFormed() || name.includes('\uFFFD')) return 'must be valid UTF-8';
  if (/[/\\]/.test(name) || name === '.' || name === '..') return 'must be a plain name, without a path';
  if (/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u.test(name)) return 'must not contain control characters';
  if (name.normalize('NFC').length > maxFilenameLength)
    return `must have at most ${maxFilenameLength} characters`;
  return undefined;
}
