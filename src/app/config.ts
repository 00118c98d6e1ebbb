import { type Config, loadConfig } from '../config/load.js';
import { sections } from './modules.js';

/** The configuration of a process, all errors at once. @throws config_invalid */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, string | undefined>> = {},
): Config {
  return loadConfig(sections, { env, flags });
}
