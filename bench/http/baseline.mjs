// The same Fastify route as POST /jobs, with the same body and schema check, that stores nothing or does one INSERT.
import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import pg from 'pg';
import { v7 } from 'uuid';
import { z } from 'zod';
import { serve } from '../lib/process.mjs';
import { noteInput } from './task-schema.mjs';

const body = z.strictObject({
  task: z.string().min(1).max(100),
  input: z.unknown(),
  priority: z.int().min(-1_000).max(1_000).optional(),
  run_at: z.iso.datetime({ offset: true }).max(40).optional(),
  tags: z.array(z.string().min(1).max(100)).max(20).optional(),
});

const insertSql =
  'insert into accepted (id, task, input) values ($1, $2, $3) returning id, task, input, created_at';

let app;
let pool;

async function store(job) {
  if (pool === undefined) return { ...job, created_at: new Date() };
  const values = [job.id, job.task, JSON.stringify(job.input)];
  return (await pool.query({ name: 'insert', text: insertSql, values })).rows[0];
}

serve(
  {
    async open({ url }) {
      if (url !== undefined) {
        pool = new pg.Pool({ connectionString: url, max: 10 });
        pool.on('error', () => undefined);
        await pool.query(
          'create table accepted (id uuid primary key, task text not null, input jsonb not null, created_at timestamptz not null default now())',
        );
      }
      app = Fastify();
      app.setValidatorCompiler(validatorCompiler);
      app.setSerializerCompiler(serializerCompiler);
      app.post('/jobs', { schema: { body } }, async (request, reply) => {
        const { task, input } = request.body;
        const job = await store({ id: v7(), task, input: noteInput.parse(input) });
        return reply.code(202).header('location', `/jobs/${job.id}`).send(job);
      });
      return { url: await app.listen({ host: '127.0.0.1', port: 0 }) };
    },
    stored: async () => ({
      count: (await pool.query('select count(*)::integer as n from accepted')).rows[0].n,
    }),
  },
  async () => {
    await app?.close();
    await pool?.end();
  },
);
