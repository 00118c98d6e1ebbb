import type { FastifySerializerCompiler } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';

const assuredSchemas = new WeakSet<object>();

/**
 * Marks the schema of an answer that our own code writes member by member, so that the compiler has checked it: it is
 * written as it is, which spares busy routes more time than their own work takes. Never for what is passed on as it
 * came: only the check would keep back what the schema does not name. Tests check such answers too (`checkAnswers`).
 */
export function assured<S extends z.ZodType>(schema: S): S {
  assuredSchemas.add(schema);
  return schema;
}

/** How Fastify asks: the schema of an answer in, its writer out. */
export function answerCompiler(checkAll: boolean): FastifySerializerCompiler<z.ZodType> {
  return (route) => {
    if (checkAll || !assuredSchemas.has(route.schema)) return serializerCompiler(route);
    return (answer: unknown) => JSON.stringify(answer);
  };
}
