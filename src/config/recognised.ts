/**
 * Settings of the systems Signalbox replaces, and of hosting platforms' guides, that nothing reads yet.
 * Set one, and the start says that it has no effect: a setting is never ignored in silence.
 * A module that gives one a use declares it in its section and takes it out of this list.
 */
export const recognisedWithoutUse: readonly string[] = Object.freeze([
  'ADMIN_API_KEY',
  'ADMIN_PASSWORD',
  'APP_VERSION',
  'FIRST_SUPERUSER',
  'FIRST_SUPERUSER_PASSWORD',
  'FLOWER_BASIC_AUTH',
  'FRONTEND_HOST',
  'HEALTH_SERVICE_URL',
  'IP_ALLOCATOR_URL',
  'JWT_SECRET',
  'KEYCLOAK_ADMIN_PASSWORD',
  'KEYCLOAK_ADMIN_USERNAME',
  'KEYCLOAK_REALM',
  'KEYCLOAK_URL',
  'OPENAI_API_KEY',
  'PROJECT_NAME',
  'SECRET_KEY',
  'SENTRY_DSN',
  'SENTRY_ENVIRONMENT',
  'TEMP_DIR',
  'VITE_API_URL',
  'VITE_SENTRY_DSN',
]);

/** Further settings of these families are warned of as well, whatever comes after the prefix. */
export const recognisedFamilies: readonly string[] = Object.freeze([
  'FLOWER_',
  'KEYCLOAK_',
  'OTEL_',
  'OTLP_',
  'POSTGRES_',
  'SENTRY_',
]);
