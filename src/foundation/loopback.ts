import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whether a host, as written in a setting or a `Host` header without its port, can only mean this machine.
 * Anything that needs a resolver to tell (other spellings of 127.0.0.1, names, the unspecified address) is not.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name === '::1') return true;
  if (isIPv6(name)) return name.startsWith('::ffff:127.') && isIPv4(name.slice('::ffff:'.length));
  return isIPv4(name) && name.startsWith('127.');
}
