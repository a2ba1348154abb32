-- Processes that run attempts, each for as long as it says that it lives. Nothing refers to a row: a worker that was
-- taken for dead comes back by registering again.
create table workers (
  id uuid primary key,
  name text not null,
  kind text not null check (kind in ('consumer', 'runner', 'job')),
  started_at timestamptz not null default now(),
  alive_until timestamptz not null,
  draining boolean not null default false,
  -- How many tasks of each lane it runs at once: {"high_priority": 4, "default": 2}.
  slots jsonb not null,
  engine text not null,
  level text not null,
  self_test jsonb not null,
  -- Sandboxes alive at the last beat: {"blank": 1, "idle": 0, "total": 3}.
  sandboxes jsonb not null,
  version text not null
);
