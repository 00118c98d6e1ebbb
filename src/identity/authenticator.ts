import { createHash, timingSafeEqual } from 'node:crypto';
import { identityErrors } from './errors.js';
import { createPrincipal, type Principal } from './principal.js';
import { permissionsOf, platformPermissions } from './roles.js';

/** The headers that may carry credentials, as received. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly apiKey?: string | undefined;
}

/** Tells who calls. */
export interface Authenticator {
  /** True while callers without credentials are let in as the developer at this machine. */
  readonly anonymousAllowed: boolean;
  /** @throws credentials_missing, credentials_invalid */
  authenticate(credentials: Credentials): Promise<Principal>;
}

export interface AuthenticatorOptions {
  /** Unset: everybody is let in. Guard it with `assertExposureAllowed`. */
  readonly apiKey: string | undefined;
  /** What the workloads declare, besides the platform's own permissions. */
  readonly permissions?: readonly string[];
}

/** One key for everything; users and further keys come with the identity store. */
export function createAuthenticator({ apiKey, permissions = [] }: AuthenticatorOptions): Authenticator {
  const everything = permissionsOf('admin', [...platformPermissions, ...permissions]);
  const local = createPrincipal('local', 'Local developer', everything);
  const keyHolder = createPrincipal('api-key', 'Holder of SIGNALBOX_API_KEY', everything);
  const expected = apiKey === undefined ? undefined : digest(apiKey);
  return Object.freeze({
    anonymousAllowed: expected === undefined,
    async authenticate(credentials: Credentials): Promise<Principal> {
      const presented = presentedKeys(credentials);
      if (presented.length === 0) {
        if (expected === undefined) return local;
        throw identityErrors.credentials_missing(
          'Send the API key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.',
        );
      }
      // Every credential that is presented must be right: which one a proxy or a log trusts is not ours to guess.
      if (expected === undefined || !presented.every((key) => matches(key, expected))) {
        throw identityErrors.credentials_invalid('The API key is not valid here.');
      }
      return keyHolder;
    },
  });
}

/** `undefined` stands for a header that is there but carries no key in a form we know. */
function presentedKeys({ authorization, apiKey }: Credentials): (string | undefined)[] {
  const presented: (string | undefined)[] = [];
  if (authorization !== undefined) presented.push(/^bearer +(\S+) *$/i.exec(authorization)?.[1]);
  if (apiKey !== undefined) presented.push(apiKey);
  return presented;
}

/** Hashed first, so that neither content nor length shows in the time it takes. */
function matches(presented: string | undefined, expected: Buffer): boolean {
  return timingSafeEqual(digest(presented ?? ''), expected) && presented !== undefined;
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
