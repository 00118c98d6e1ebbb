import { z } from 'zod';

/**
 * Complaints about a schema for input from outside: an object that would drop unknown fields in silence,
 * a text or list without an upper limit. Empty when it may be used. `z.unknown()` and records pass: their
 * size is bounded by the body's.
 */
export function laxParts(schema: z.ZodType, path = 'value', seen = new Set<z.ZodType>()): string[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const into = (inner: unknown, name = path) =>
    inner instanceof z.ZodType ? laxParts(inner, name, seen) : [];
  if (schema instanceof z.ZodObject) {
    const catchall = schema.def.catchall;
    const strict = catchall instanceof z.ZodNever ? [] : [`${path} must be a z.strictObject`];
    return [
      ...strict,
      ...Object.entries(schema.shape).flatMap(([key, inner]) => into(inner, `${path}.${key}`)),
    ];
  }
  if (schema instanceof z.ZodArray) {
    return [
      ...(hasMaximum(schema) ? [] : [`${path} needs a .max() for its items`]),
      ...into(schema.element, `${path}.*`),
    ];
  }
  if (schema instanceof z.ZodISODateTime)
    return hasMaximum(schema) ? [] : [`${path} needs a .max(): a fraction of a second has no end`];
  if (schema instanceof z.ZodString) {
    return hasMaximum(schema) ? [] : [`${path} needs a .max()`];
  }
  if (schema instanceof z.ZodRecord) return into(schema.valueType, `${path}.*`);
  if (schema instanceof z.ZodTuple)
    return schema.def.items.flatMap((item, index) => into(item, `${path}.${index}`));
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => into(option));
  if (schema instanceof z.ZodIntersection) return [...into(schema.def.left), ...into(schema.def.right)];
  if (schema instanceof z.ZodPipe) {
    // What a transform takes is not described; a preprocess is bounded by what it feeds.
    return into(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  }
  if (schema instanceof z.ZodLazy) return into(schema.unwrap());
  return 'innerType' in schema.def ? into(schema.def.innerType) : [];
}

/** @throws TypeError at registration, so that no lax route ever serves. */
export function assertStrict(what: string, schema: unknown): void {
  if (!(schema instanceof z.ZodType)) throw new TypeError(`${what} must be a zod schema`);
  const lax = laxParts(schema);
  if (lax.length > 0) throw new TypeError(`${what}: ${lax.join('; ')}`);
}

function hasMaximum(schema: z.ZodType): boolean {
  const kinds = schema.def.checks?.map((check) => check._zod.def.check) ?? [];
  return kinds.includes('max_length') || kinds.includes('length_equals');
}
