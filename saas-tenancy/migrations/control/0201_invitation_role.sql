-- As before, with what the offered role and the inviter's may do, where they are the tenant's own.
drop function tenancy.invitation_lookup(bytea, timestamptz);

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
