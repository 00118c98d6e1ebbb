import { describe, expect, it } from 'vitest';
import { permissionsOf, platformPermissions, type roles } from './roles.js';

const declared = [...platformPermissions, 'assets:read', 'assets:write'];
const of = (role: (typeof roles)[number]) => [...permissionsOf(role, declared)];

describe('roles', () => {
  it('gives the admin everything', () => {
    expect(of('admin')).toEqual(declared);
  });

  it('gives the operator everything but the administration of access', () => {
    expect(of('operator')).toEqual(declared.filter((permission) => !permission.startsWith('access:')));
  });

  it('lets the viewer see the work of everybody and change nothing', () => {
    expect(of('viewer')).toEqual(['jobs:read', 'jobs:all', 'system:read', 'assets:read']);
  });

  it('lets the member work, on what is theirs', () => {
    expect(of('member')).toEqual(['jobs:read', 'jobs:write', 'assets:read', 'assets:write']);
  });
});
