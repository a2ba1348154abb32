create table tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
  created_at timestamptz not null default now()
);

create table users (
  id uuid primary key,
  issuer text not null,
  subject text not null,
  username text not null,
  created_at timestamptz not null default now(),
  unique (issuer, subject)
);

create table uploads (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  user_id uuid not null references users,
  filename text not null,
  content_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  object_key text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- A task is one run of one function. The row holds what the lifecycle needs; what the user sent and got is text
-- (`json`, never `jsonb`) or an object key, never both.
create table tasks (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  user_id uuid not null references users,
  name text,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  lane text not null check (lane in ('high_priority', 'default', 'long_running')),
  priority smallint not null default 0 check (priority between 0 and 9),

  code text not null,
  handler text not null,
  inputs json,
  inputs_s3_key text,
  files jsonb not null default '{}',
  labels jsonb not null default '{}',

  estimated_seconds double precision not null,
  estimate_source text not null,
  tier text,
  cpu double precision not null,
  memory_mb integer not null,
  timeout_seconds double precision not null,
  reuse text not null default 'tenant' check (reuse in ('tenant', 'never')),
  max_attempts smallint not null default 3 check (max_attempts > 0),
  retry_on text[] not null default '{}',

  -- The latest attempt's number, and who may write for it until when (database time).
  attempt integer not null default 0,
  lease uuid,
  lease_expires_at timestamptz,
  cancel_requested_at timestamptz,
  progress json,

  created_at timestamptz not null default now(),
  queued_at timestamptz not null default now(),
  announced_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  runtime_seconds double precision,
  result_s3_key text,
  failure_code text,
  error_message text,

  check ((inputs is null) <> (inputs_s3_key is null)),
  check ((status = 'running') = (lease is not null)),
  check ((lease is null) = (lease_expires_at is null)),
  check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  check ((status = 'failed') = (failure_code is not null))
);

create index tasks_of_tenant on tasks (tenant_id, id desc);
create index tasks_waiting on tasks (lane, announced_at) where status = 'queued';
create index tasks_leased on tasks (lease_expires_at) where status = 'running';

-- One try at a task; results belong to an attempt, and one attempt at most completes a task.
create table attempts (
  task_id uuid not null references tasks on delete cascade,
  number integer not null check (number > 0),
  tenant_id uuid not null references tenants,
  worker text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  outcome text check (outcome in ('completed', 'failed', 'cancelled')),
  failure_code text,
  error_message text,
  error json,
  result json,
  result_s3_key text,
  result_bytes bigint,
  log_s3_key text,
  wall_seconds double precision,
  cpu_seconds double precision,
  memory_peak_mb double precision,
  primary key (task_id, number),
  check ((ended_at is null) = (outcome is null)),
  check (result is null or result_s3_key is null)
);
create unique index attempts_complete_once on attempts (task_id) where outcome = 'completed';

create table artifacts (
  task_id uuid not null,
  attempt integer not null,
  tenant_id uuid not null references tenants,
  kind text not null check (kind in ('output', 'artifact')),
  name text not null,
  object_key text not null,
  size_bytes bigint not null,
  sha256 text not null,
  primary key (task_id, attempt, kind, name),
  foreign key (task_id, attempt) references attempts on delete cascade
);

-- What a running attempt has printed so far; moved to the object store when it ends.
create table log_chunks (
  task_id uuid not null,
  attempt integer not null,
  index integer not null,
  tenant_id uuid not null references tenants,
  kind text not null check (kind in ('stdout', 'stderr')),
  chunk text not null,
  primary key (task_id, attempt, index),
  foreign key (task_id, attempt) references attempts on delete cascade
);

-- The transactional outbox: every change of a task's state, written with the change itself.
create table events (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  task_id uuid not null references tasks on delete cascade,
  type text not null,
  data json not null,
  created_at timestamptz not null default now()
);
create index events_of_task on events (task_id, id);
-- One terminal event a task, ever.
create unique index events_end_once on events (task_id)
  where type in ('task.completed', 'task.failed', 'task.cancelled');

create table idempotency_keys (
  tenant_id uuid not null references tenants,
  user_id uuid not null references users,
  key text not null,
  request_sha256 text not null,
  task_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, key)
);

create table workflows (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  user_id uuid not null references users,
  slug text not null,
  name text not null,
  description text,
  status text not null default 'active' check (status in ('active', 'archived')),
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  unique (tenant_id, slug)
);

create table studies (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  user_id uuid not null references users,
  workflow_id uuid references workflows,
  name text not null,
  description text,
  status text not null default 'active' check (status in ('active', 'archived')),
  created_at timestamptz not null default now(),
  completed_at timestamptz
);
