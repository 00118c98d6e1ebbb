import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorSpecs } from '../src/app/modules.js';
import { configurationPage, errorsPage } from '../src/app/reference.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(`${root}/docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function read(file: string): string {
  return readFileSync(resolve(root, file), 'utf8');
}

describe('the documentation', () => {
  it('lists exactly the settings and the errors that the code has', () => {
    expect(read('docs/configuration.md'), 'run `npm run docs`').toBe(configurationPage());
    expect(read('docs/errors.md'), 'run `npm run docs`').toBe(errorsPage());
  });

  it('gives every error a title that is a sentence, and a status of its kind', () => {
    for (const [code, spec] of Object.entries(errorSpecs)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(spec.title, code).toMatch(/^[A-Z].*\.$/);
      expect(spec.status, code).toBeGreaterThanOrEqual(400);
      expect(spec.status, code).toBeLessThan(600);
    }
  });

  it.each(pages)('%s has no dead link to a file', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)/g)].map(
      (match) => match[1] ?? '',
    );
    const dead = links.filter((link) => {
      try {
        readFileSync(resolve(root, dirname(page), link));
        return false;
      } catch {
        return true;
      }
    });
    expect(dead).toEqual([]);
  });

  it('names every command of the command line in the README', () => {
    for (const command of ['start', 'demo', 'jobs list', 'jobs explain', 'doctor']) {
      expect(read('README.md')).toContain(command);
    }
  });
});
