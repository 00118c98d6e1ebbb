/** What a process does. */
export interface Roles {
  /** Answers HTTP. */
  readonly server: boolean;
  /** Runs jobs. */
  readonly worker: boolean;
}

export interface RoleFlags {
  readonly server?: boolean | undefined;
  /** `--worker`, also spelled `--bg-tasks`. */
  readonly worker?: boolean | undefined;
}

/** No flag means both. `--all` names queues, not roles, so it never adds the server. */
export function rolesFrom(flags: RoleFlags): Roles {
  if (!flags.server && !flags.worker) return { server: true, worker: true };
  return { server: flags.server ?? false, worker: flags.worker ?? false };
}

export function describeRoles(roles: Roles): string {
  return [roles.server ? 'server' : '', roles.worker ? 'worker' : ''].filter((r) => r !== '').join(' and ');
}
