/** What a principal may do: `<area>:<verb>`. */
export type Permission = `${string}:${string}`;

/**
 * The platform's own permissions; workloads declare theirs. `jobs:all` widens what a principal may do with
 * jobs from its own to everybody's and grants no verb by itself.
 */
export const platformPermissions = [
  'jobs:read',
  'jobs:write',
  'jobs:all',
  'system:read',
  'system:write',
  'access:read',
  'access:write',
] as const satisfies readonly Permission[];

export const roles = ['admin', 'operator', 'viewer', 'member'] as const;
export type Role = (typeof roles)[number];

const grants: Readonly<Record<Role, (permission: string) => boolean>> = {
  admin: () => true,
  operator: (permission) => areaOf(permission) !== 'access',
  viewer: (permission) =>
    permission === 'jobs:all' || (permission.endsWith(':read') && areaOf(permission) !== 'access'),
  member: (permission) => !['system', 'access'].includes(areaOf(permission)) && permission !== 'jobs:all',
};

/** The permissions of a role, out of all that this process's modules and workloads declare. */
export function permissionsOf(role: Role, declared: readonly string[]): ReadonlySet<string> {
  return new Set(declared.filter(grants[role]));
}

function areaOf(permission: string): string {
  return permission.slice(0, permission.indexOf(':'));
}
