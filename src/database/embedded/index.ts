export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.js';
export { embeddedErrors } from './errors.js';
