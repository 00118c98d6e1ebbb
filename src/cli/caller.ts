import { hostname, userInfo } from 'node:os';

/** Who gives the command, as others read it later: `ada@alpha`. */
export function caller(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user need not have a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
