-- Lists and counts of a tenant's tasks, an index a filter, each in the order of the pages. What a waiting and a running
-- task changes most (its lease, its progress) is in none of them.
create index tasks_by_status on tasks (tenant_id, status, id desc);
create index tasks_by_lane on tasks (tenant_id, lane, id desc);
create index tasks_by_handler on tasks (tenant_id, handler, id desc);
create index tasks_by_failure on tasks (tenant_id, failure_code, id desc) where failure_code is not null;

-- The lowest id that a task submitted at a time can have, by the clock of the gateway that made it (UUID version 7).
create function first_id_at(moment timestamptz) returns uuid language sql immutable parallel safe as $$
  select (lpad(to_hex(greatest(0, floor(extract(epoch from moment) * 1000))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The labels of tasks, a row each, in the order of the pages. Written and removed with the task, never changed, and so
-- without foreign keys, which would cost a submission more than the rows do.
create table task_labels (
  tenant_id uuid not null,
  name text not null,
  value text not null,
  task_id uuid not null
);
create unique index task_labels_in_order on task_labels (tenant_id, name, value, task_id desc);
insert into task_labels (tenant_id, name, value, task_id)
select tenant_id, key, value, id from tasks, jsonb_each_text(labels);

-- Retention: how long a tenant's things are kept. What a tenant leaves out follows the installation's configuration.
create table retention_settings (
  tenant_id uuid primary key references tenants on delete cascade,
  results_days integer check (results_days between 1 and 3650),
  artifacts_days integer check (artifacts_days between 1 and 3650),
  logs_days integer check (logs_days between 1 and 3650),
  events_days integer check (events_days between 1 and 3650),
  tasks_days integer check (tasks_days between 1 and 3650),
  uploads_days integer check (uploads_days between 1 and 3650),
  idempotency_keys_days integer check (idempotency_keys_days between 1 and 3650),
  updated_at timestamptz not null default now()
);

-- How far the janitor is: of the tenant's tasks that had ended by then, in the order of their ends, these things are gone.
create table retention_marks (
  tenant_id uuid not null references tenants on delete cascade,
  kind text not null check (kind in ('results', 'artifacts', 'logs', 'events', 'tasks')),
  ended_at timestamptz not null default '-infinity',
  task_id uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (tenant_id, kind)
);
create index tasks_ended on tasks (tenant_id, completed_at, id) where completed_at is not null;

-- Objects that no row names any more, written in the transaction that took the name away. They leave the store when the
-- last signed URL for them has run out, and are tried again when the store refuses.
create table object_deletions (
  object_key text primary key,
  tenant_id uuid not null,
  due_at timestamptz not null
);
create index object_deletions_due on object_deletions (due_at);
-- When a tenant's part of the store is searched next for objects that never had a row, or lost it otherwise.
create table object_searches (
  tenant_id uuid primary key references tenants on delete cascade,
  due_at timestamptz not null
);

create index uploads_expiring on uploads (expires_at);
-- Of few tasks: whose large inputs a replayed task shares, which task it replays, and which uploads it names.
create index tasks_inputs_object on tasks (inputs_s3_key) where inputs_s3_key is not null;
create index tasks_replayed on tasks (replay_of) where replay_of is not null;
create index tasks_uploads on tasks using gin (jsonb_path_query_array(files, '$.*')) where files <> '{}';
-- By task, so that a key goes with its task at the latest; ids are in the order of time, so that the oldest are found first.
create index idempotency_keys_of_task on idempotency_keys (tenant_id, task_id);

-- Written and deleted in bulk: vacuumed by their changes, not by a fifth of their size.
alter table events set (autovacuum_vacuum_scale_factor = 0.02);
alter table log_chunks set (autovacuum_vacuum_scale_factor = 0.02);

select secure_tenant_table(name)
from unnest(array['task_labels', 'retention_settings', 'retention_marks', 'object_deletions', 'object_searches']::regclass[]) as name;
