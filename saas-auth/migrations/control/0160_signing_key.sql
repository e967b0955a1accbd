-- The keys that sign tokens. A key is published before it signs, so that whoever checks tokens elsewhere knows it by then, and stays published
-- until the tokens that it signed are over. The private half is sealed with the master key.
create table auth.signing_key (
    id uuid not null,
    public_key bytea not null,
    sealed_private_key bytea not null,
    created_at timestamptz not null,
    signs_from timestamptz not null,
    -- When what it signed is over; none for the newest, which nothing has taken the place of.
    expires_at timestamptz,
    constraint signing_key_pkey primary key (id),
    constraint signing_key_public_check check (length(public_key) = 32),
    constraint signing_key_private_check check (length(sealed_private_key) between 60 and 200)
);

-- Two programs that make a key at once make one.
create unique index signing_key_newest_idx on auth.signing_key ((expires_at is null)) where expires_at is null;

grant select, insert, update, delete on table auth.signing_key to saas_system;

-- The public halves, for whoever checks a token.
create function auth.signing_key_lookup(now timestamptz)
returns table (
    id uuid,
    public_key bytea
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select signing_key.id, signing_key.public_key
    from auth.signing_key
    where signing_key.expires_at is null or signing_key.expires_at > signing_key_lookup.now
    order by signing_key.signs_from desc;
end
$$;

revoke all on function auth.signing_key_lookup(timestamptz) from public;
grant execute on function auth.signing_key_lookup(timestamptz) to saas_app;
