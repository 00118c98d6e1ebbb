import { many, type Queryable } from './queryable.js';

const columnsSql = `
  select c.relname as owner, format('  %s %s%s%s', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
           case when a.attnotnull then ' not null' else '' end,
           coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
  order by c.relname, a.attnum`;

// PostgreSQL 18 lists NOT NULL as constraints too; the columns say that already.
const constraintsSql = `
  select c.relname as owner, format('  constraint %s %s', quote_ident(n.conname), pg_get_constraintdef(n.oid)) as line
  from pg_constraint n join pg_class c on c.oid = n.conrelid
  where c.relnamespace = $1::text::regnamespace and n.contype <> 'n'
  order by c.relname, n.conname`;

const indexesSql = `
  select pg_get_indexdef(i.indexrelid) || ';' as line
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = $1::text::regnamespace
    and not exists (select 1 from pg_constraint n where n.conindid = i.indexrelid)
  order by c.relname`;

const viewsSql = `
  select format(E'create view %I.%I as\\n%s', $1::text, c.relname, pg_get_viewdef(c.oid)) as line
  from pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind = 'v' order by c.relname`;

const functionsSql = `
  select pg_get_functiondef(p.oid) || ';' as line
  from pg_proc p where p.pronamespace = $1::text::regnamespace order by p.proname`;

const triggersSql = `
  select pg_get_triggerdef(t.oid) || ';' as line
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = $1::text::regnamespace and not t.tgisinternal order by c.relname, t.tgname`;

interface Line {
  line: string;
}

interface OwnedLine extends Line {
  owner: string;
}

/**
 * The schema as SQL text, in an order that does not depend on how it came to be, so that a migration's
 * effect shows in review. It is read from the catalogues: no `pg_dump` comes with the embedded server.
 */
export async function dumpSchema(db: Queryable, schema = 'signalbox'): Promise<string> {
  const columns = await many<OwnedLine>(db, columnsSql, [schema]);
  const constraints = await many<OwnedLine>(db, constraintsSql, [schema]);
  const tables = [...new Set(columns.map(({ owner }) => owner))].map((table) => {
    const lines = [...columns, ...constraints].filter(({ owner }) => owner === table).map(({ line }) => line);
    return `create table ${schema}.${table} (\n${lines.join(',\n')}\n);`;
  });
  const rest: string[] = [];
  for (const sql of [indexesSql, viewsSql, functionsSql, triggersSql]) {
    rest.push(...(await many<Line>(db, sql, [schema])).map(({ line }) => line.trimEnd()));
  }
  return `${['-- Made by `npm run schema`; a test compares it with the migrations.', ...tables, ...rest].join('\n\n')}\n`;
}
