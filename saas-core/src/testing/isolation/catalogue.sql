with tables as (
    select c.oid, n.nspname, c.relname, c.relkind
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and c.relname !~ '^_migrations'
      and not exists (select from pg_inherits where inhrelid = c.oid)
)
select jsonb_build_object(
    'version', current_setting('server_version_num')::integer,
    'roles', (
        select coalesce(jsonb_agg(quote_ident(rolname) order by rolname), '[]')
        from pg_roles
        -- Itself and its group see one tenant like itself. The roles of other tests' databases come and go.
        where rolname not in ($1, 'saas_app') and rolname !~ '^test_'
    ),
    'views', (
        select coalesce(jsonb_agg(format('%I.%I', n.nspname, c.relname) order by n.nspname, c.relname), '[]')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
          and has_any_column_privilege($1, c.oid, 'select')
    ),
    'tables', coalesce(jsonb_agg(jsonb_build_object(
        'name', format('%I.%I', t.nspname, t.relname),
        'label', format('%s.%s', t.nspname, t.relname),
        'id', t.oid::bigint,
        'tenant_column', (
            select a.attname
            from pg_attribute a
            where a.attrelid = t.oid and not a.attisdropped
              and a.attname = case when t.nspname = 'core' and t.relname = 'tenant' then 'id' else 'tenant_id' end
        ),
        'readable', has_any_column_privilege($1, t.oid, 'select'),
        'columns', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'name', a.attname,
                'cast', format_type(a.atttypid, a.atttypmod),
                'kind', coalesce(element.typname, base.typname),
                'is_array', element.oid is not null,
                'not_null', a.attnotnull or y.typnotnull,
                'has_default', a.atthasdef or y.typdefault is not null,
                'generated', a.attgenerated <> '' or a.attidentity = 'a',
                'labels', (
                    select coalesce(jsonb_agg(e.enumlabel order by e.enumsortorder), '[]')
                    from pg_enum e
                    where e.enumtypid = coalesce(element.oid, base.oid)
                ),
                'selectable', has_column_privilege($1, t.oid, a.attnum, 'select'),
                'updatable', has_column_privilege($1, t.oid, a.attnum, 'update')
            ) order by a.attnum), '[]')
            from pg_attribute a
            join pg_type y on y.oid = a.atttypid
            join pg_type base on base.oid = case when y.typtype = 'd' then y.typbasetype else y.oid end
            left join pg_type element on element.oid = base.typelem and base.typcategory = 'A'
            where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        ),
        'references', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'constraint', k.conname,
                'columns', (
                    select jsonb_agg(a.attname order by position)
                    from unnest(k.conkey) with ordinality parts (number, position)
                    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = parts.number
                ),
                'parent', k.confrelid::bigint,
                'parent_columns', (
                    select jsonb_agg(a.attname order by position)
                    from unnest(k.confkey) with ordinality parts (number, position)
                    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = parts.number
                )
            ) order by k.conname), '[]')
            from pg_constraint k
            where k.conrelid = t.oid and k.contype = 'f'
        ),
        'uniques', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'name', i.relname,
                'columns', (
                    select coalesce(jsonb_agg(a.attname order by position), '[]')
                    from unnest(x.indkey::smallint[]) with ordinality parts (number, position)
                    join pg_attribute a on a.attrelid = x.indrelid and a.attnum = parts.number
                    where position <= x.indnkeyatts
                ),
                'primary', x.indisprimary,
                'global', coalesce(obj_description(i.oid, 'pg_class'), '') like 'global: %',
                'plain', x.indpred is null and x.indexprs is null and not x.indisexclusion
            ) order by x.indisprimary desc, i.relname), '[]')
            from pg_index x
            join pg_class i on i.oid = x.indexrelid
            where x.indrelid = t.oid and (x.indisunique or x.indisexclusion)
        ),
        'checks', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'name', k.conname,
                'columns', (
                    select coalesce(jsonb_agg(a.attname order by a.attnum), '[]')
                    from pg_attribute a
                    where a.attrelid = k.conrelid and a.attnum = any (k.conkey)
                ),
                'definition', pg_get_constraintdef(k.oid)
            ) order by k.conname), '[]')
            from pg_constraint k
            where k.conrelid = t.oid and k.contype = 'c'
        ),
        'parts', (
            with recursive part as (
                select inhrelid from pg_inherits where inhparent = t.oid
                union all
                select i.inhrelid from pg_inherits i join part on part.inhrelid = i.inhparent
            )
            select coalesce(jsonb_agg(format('%I.%I', n.nspname, c.relname) order by n.nspname, c.relname), '[]')
            from part
            join pg_class c on c.oid = part.inhrelid
            join pg_namespace n on n.oid = c.relnamespace
        )
    ) order by t.nspname, t.relname), '[]')
)
from tables t
