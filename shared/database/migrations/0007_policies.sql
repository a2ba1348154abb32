-- What the tenant's policy said when a task was submitted: the weakest sandbox that may run it, whether
-- RestrictedPython compiles it first, and what the checks of its source warned of.
alter table tasks
  add column sandbox_floor text not null default 'container' check (sandbox_floor in ('container', 'kernel')),
  add column restricted_python boolean not null default false,
  add column warnings jsonb not null default '[]';

-- What a tenant's administrators set; what they left out follows the installation's own settings.
create table tenant_policies (
  tenant_id uuid primary key references tenants on delete cascade,
  settings jsonb not null,
  updated_at timestamptz not null default now(),
  updated_by uuid not null references users
);
select secure_tenant_table('tenant_policies');
