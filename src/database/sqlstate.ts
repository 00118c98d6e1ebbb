import { messageOf, type SignalboxError } from '../foundation/errors.js';
import { databaseErrors } from './errors.js';

const unavailable =
  /^(08...|57P0[1-3]|53300|25006|ECONN.*|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;
const timedOut = /^(57014|55P03|25P03)$/;
const conflict = /^(40001|40P01)$/;

/** SQLSTATE of PostgreSQL's errors, or Node's code of a socket error. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The typed form of a driver error that says the database, not the statement, is at fault; else `undefined`. */
export function typedDatabaseError(error: unknown): SignalboxError | undefined {
  const code = sqlStateOf(error);
  const options = { cause: error };
  if (code === undefined) return undefined;
  if (timedOut.test(code)) return databaseErrors.database_timeout(messageOf(error), options);
  if (conflict.test(code)) return databaseErrors.database_conflict(messageOf(error), options);
  if (unavailable.test(code)) return databaseErrors.database_unavailable(messageOf(error), options);
  return undefined;
}
