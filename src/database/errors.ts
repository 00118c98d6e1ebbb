import { defineErrors } from '../foundation/errors.js';

export const databaseErrors = defineErrors({
  database_unavailable: {
    status: 503,
    retryable: true,
    title: 'The database does not answer.',
  },
  database_timeout: {
    status: 503,
    retryable: true,
    title: 'The database did not answer in time.',
  },
  database_conflict: {
    status: 503,
    retryable: true,
    title: 'The database undid the transaction because of a concurrent one.',
  },
  database_unsupported: {
    status: 500,
    retryable: false,
    title: 'The database server is older than PostgreSQL 14.',
  },
  schema_newer: {
    status: 500,
    retryable: false,
    title: 'The database has a newer, incompatible schema than this process knows.',
  },
  schema_outdated: {
    status: 503,
    retryable: true,
    title: 'The database lacks migrations that this process needs.',
  },
  migration_failed: {
    status: 500,
    retryable: false,
    title: 'A migration failed and was undone.',
  },
});
