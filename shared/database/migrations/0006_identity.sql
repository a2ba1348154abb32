-- Who belongs where, API keys, and row-level security.

-- A tenant is a company, or the personal space of a user who acts for none.
alter table tenants
  alter column slug drop not null,
  add column kind text not null default 'organization' check (kind in ('organization', 'personal')),
  add column display_name text,
  -- Who says who belongs to it: the identity provider's tokens, or its own admins.
  add column authority text not null default 'issuer' check (authority in ('issuer', 'platform')),
  add column owner_id uuid unique references users,
  add check ((kind = 'personal') = (slug is null)),
  add check ((kind = 'personal') = (owner_id is not null));

alter table users
  add column email text,
  add column given_name text,
  add column family_name text,
  -- Since when nothing that the user holds (tokens, keys) opens anything.
  add column disabled_at timestamptz;

create table memberships (
  tenant_id uuid not null references tenants on delete cascade,
  user_id uuid not null references users on delete cascade,
  role text not null check (role in ('user', 'admin')),
  -- A role that a token gave goes with the token's; one that an admin of the tenant gave stays.
  granted_by text not null check (granted_by in ('issuer', 'platform')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index memberships_of_user on memberships (user_id);

insert into memberships (tenant_id, user_id, role, granted_by)
select distinct tenant_id, user_id, 'user', 'issuer' from tasks;

create table api_keys (
  id uuid primary key,
  tenant_id uuid not null references tenants on delete cascade,
  user_id uuid not null references users on delete cascade,
  name text not null,
  -- The key's beginning, by which its owner tells it from others.
  prefix text not null,
  -- Of the whole key. It holds 256 random bits: nothing to guess, so nothing that a slow hash would protect.
  sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  scopes text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_of_tenant on api_keys (tenant_id, user_id);

-- Gateways remember who may do what; each of these changes makes all of them forget at once, whoever makes it. Such
-- changes are rare, so the lock that a NOTIFY takes at the commit does no harm here.
create function announce_access_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('access_changed', to_jsonb(old) ->> tg_argv[0]);
  return null;
end
$$;
create trigger announce_change after update of scopes, expires_at, revoked_at or delete on api_keys
  for each row execute function announce_access_change('id');
create trigger announce_change after update of role or delete on memberships
  for each row execute function announce_access_change('user_id');
create trigger announce_change after update of disabled_at or delete on users
  for each row execute function announce_access_change('id');
create trigger announce_change after update of slug, authority or delete on tenants
  for each row execute function announce_access_change('id');

-- Two kinds of process, told apart by their logins: gateways, which act for tenants and say in each transaction for
-- which (app.tenants), and the platform's own (consumers, janitor), which act for all of them. Neither owns a table, and
-- neither may pass over row-level security. Logins are made members of these by `shared/database/main.ts`.
do $$
declare
  name text;
begin
  foreach name in array array['mecapy_gateway', 'mecapy_platform'] loop
    begin
      execute format('create role %I nologin noinherit', name);
    exception
      -- Roles belong to the whole server: another database of it was first, perhaps just now.
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        if not exists (select from pg_roles where rolname = name) then
          raise exception 'create the role % (nologin) first: this login may not', name;
        end if;
    end;
  end loop;
end
$$;

grant usage on schema public to mecapy_gateway, mecapy_platform;
grant select, insert, update, delete on all tables in schema public to mecapy_gateway, mecapy_platform;
revoke all on schema_migrations from mecapy_gateway, mecapy_platform;
alter default privileges in schema public
  grant select, insert, update, delete on tables to mecapy_gateway, mecapy_platform;

-- The tenants that this transaction acts for. None is set: none.
create function app_tenants() returns uuid[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.tenants', true), ''), '{}')::uuid[]
$$;
-- `directory`: this transaction asks who somebody is, before a tenant is known.
create function app_scope() returns text language sql stable parallel safe as $$
  select coalesce(current_setting('app.scope', true), '')
$$;

-- Every table with a tenant_id is given to this function by the migration that creates it. The subquery in the policy
-- makes PostgreSQL ask for the tenants once a statement instead of once a row.
create function secure_tenant_table(name regclass) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', name);
  execute format('create policy tenant_rows on %s to mecapy_gateway using (tenant_id = any ((select app_tenants())::uuid[]))', name);
  execute format('create policy all_rows on %s to mecapy_platform using (true) with check (true)', name);
end
$$;

do $$
declare
  name regclass;
begin
  for name in
    select attribute.attrelid
    from pg_attribute attribute
    join pg_class class on class.oid = attribute.attrelid
    where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p')
      and attribute.attname = 'tenant_id' and not attribute.attisdropped and not class.relrowsecurity
  loop
    perform secure_tenant_table(name);
  end loop;
end
$$;

create policy directory_rows on memberships to mecapy_gateway using ((select app_scope()) = 'directory');
create policy directory_rows on api_keys to mecapy_gateway using ((select app_scope()) = 'directory');

alter table tenants enable row level security;
create policy tenant_rows on tenants for select to mecapy_gateway using (id = any ((select app_tenants())::uuid[]));
create policy directory_rows on tenants to mecapy_gateway using ((select app_scope()) = 'directory');
create policy all_rows on tenants to mecapy_platform using (true) with check (true);

-- A user is no tenant's; who shares a tenant with one may know of them.
alter table users enable row level security;
create policy tenant_rows on users for select to mecapy_gateway using (exists (
  select from memberships
  where memberships.user_id = users.id and memberships.tenant_id = any ((select app_tenants())::uuid[])
));
create policy directory_rows on users to mecapy_gateway using ((select app_scope()) = 'directory');
create policy all_rows on users to mecapy_platform using (true) with check (true);

-- A worker has no business with keys.
revoke all on api_keys from mecapy_platform;
