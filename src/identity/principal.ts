/** Who calls. */
export interface Principal {
  /** Stable; becomes the owner of what the principal makes. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly permissions: ReadonlySet<string>;
  has(permission: string): boolean;
}

export function createPrincipal(id: string, name: string, permissions: ReadonlySet<string>): Principal {
  return Object.freeze({ id, name, permissions, has: (permission: string) => permissions.has(permission) });
}

/** The caller of a public route: nobody in particular, who may do nothing else. */
export const anonymous: Principal = createPrincipal('anonymous', 'Anonymous', new Set());
