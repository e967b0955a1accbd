-- Who was asked into a tenant. An address has one row in it for good, which the next invitation takes over: so of any number that are sent at once one
-- counts, an older link is dead, and how often an address was written to is known also after an invitation was taken back.
create table tenancy.invitation (
    tenant_id uuid not null,
    id uuid not null,
    email text not null,
    email_key text not null,
    role text not null,
    token_hash bytea not null,
    invited_by uuid not null,
    -- The membership that it lives and dies with: whoever leaves and comes back has another one.
    member_since timestamptz not null,
    invited_at timestamptz not null,
    expires_at timestamptz not null,
    -- When it was accepted or taken back.
    ended_at timestamptz,
    accepted_by uuid,
    -- When the address was written to lately.
    mailed timestamptz[] not null,
    constraint invitation_pkey primary key (tenant_id, id),
    constraint invitation_email_key unique (tenant_id, email_key),
    constraint invitation_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint invitation_inviter_fkey foreign key (tenant_id, invited_by) references core.member (tenant_id, user_id),
    constraint invitation_accepted_fkey foreign key (tenant_id, accepted_by) references core.member (tenant_id, user_id),
    constraint invitation_email_check check (length(email) between 3 and 254),
    constraint invitation_email_key_check check (email_key = lower(email_key) and length(email_key) between 3 and 254),
    constraint invitation_role_check check (length(role) between 1 and 50),
    constraint invitation_token_check check (length(token_hash) = 32),
    constraint invitation_accepted_check check (accepted_by is null or ended_at is not null),
    constraint invitation_mailed_check check (cardinality(mailed) <= 10)
);

create unique index invitation_token_idx on tenancy.invitation (token_hash);
comment on index tenancy.invitation_token_idx is 'global: a link is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';
create index invitation_accepted_idx on tenancy.invitation (accepted_by) where accepted_by is not null;
create index invitation_over_idx on tenancy.invitation (least(ended_at, expires_at));

select core.isolate('tenancy.invitation', privileges => 'select, insert, update');

-- An invitation that stands, with the place of whoever sent it: the application login knows the hash before it knows any tenant. One that was
-- accepted, taken back or sent again, has expired, or comes from somebody who left or may not sign in, is none. It says what the offered role and
-- the inviter's may do where they are the tenant's own.
create function tenancy.invitation_lookup(hash bytea, now timestamptz)
returns table (
    tenant_id uuid,
    invitation_id uuid,
    slug text,
    organization text,
    email text,
    email_key text,
    role text,
    role_permissions text[],
    inviter text,
    inviter_role text,
    inviter_permissions text[],
    expires_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        invitation.tenant_id,
        invitation.id,
        tenant.slug,
        tenant.name,
        invitation.email,
        invitation.email_key,
        invitation.role,
        offered.permissions,
        member.name,
        member.role,
        held.permissions,
        invitation.expires_at
    from tenancy.invitation
    join core.tenant on tenant.id = invitation.tenant_id
    join core.member on member.tenant_id = invitation.tenant_id and member.user_id = invitation.invited_by
    join core.user person on person.id = invitation.invited_by
    left join core.role offered on offered.tenant_id = invitation.tenant_id and offered.name = invitation.role
    left join core.role held on held.tenant_id = invitation.tenant_id and held.name = member.role
    where invitation.token_hash = invitation_lookup.hash
      and invitation.ended_at is null
      and invitation.expires_at > invitation_lookup.now
      and member.left_at is null
      and member.joined_at = invitation.member_since
      and person.state = 'active'
      and tenant.state = 'active';
end
$$;

revoke all on function tenancy.invitation_lookup(bytea, timestamptz) from public;
grant execute on function tenancy.invitation_lookup(bytea, timestamptz) to saas_app;
