/** What a path under the console's prefix asks for. */
export type Located =
  | { readonly kind: 'page' }
  | { readonly kind: 'file'; readonly file: string; readonly hashed: boolean }
  | { readonly kind: 'nothing' };

const fileName = /^(?:assets\/)?[\w-][\w.-]*\.[a-z0-9]+$/i;

/**
 * `path` is what follows `/admin/dashboard`, still percent-encoded. The build has one flat folder of hashed files and
 * a few files beside the page; every other path without a dot belongs to the page, which routes by itself.
 */
export function locate(path: string): Located {
  const name = path.replace(/^\//, '');
  if (name === '' || name === 'index.html') return { kind: 'page' };
  if (fileName.test(name)) return { kind: 'file', file: name, hashed: name.startsWith('assets/') };
  // A file that is missing must not be answered with the page: the browser would read it as a script.
  if (name.includes('.') || name.startsWith('assets/')) return { kind: 'nothing' };
  return { kind: 'page' };
}
