import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { httpErrors } from '../http/errors.js';
import { identityErrors } from '../identity/errors.js';
import { apiErrors } from './errors.js';

describe('docs/http.md', () => {
  it('lists every code of the platform with its status, and none that does not exist', async () => {
    const text = await readFile(new URL('../../docs/http.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\|\s*`([a-z_]+)`\s*\|\s*(\d{3})\s*\|/gm)];
    const declared = Object.entries({ ...httpErrors.$specs, ...identityErrors.$specs, ...apiErrors.$specs });
    expect(new Map(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(
      new Map(declared.map(([code, { status }]) => [code, status])),
    );
  });
});
