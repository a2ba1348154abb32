-- A lane's settings may change at any moment; its clocks are the dispatcher's.
create table lanes (
  name text primary key check (name in ('high_priority', 'default', 'long_running')),
  paused boolean not null default false,
  -- A task expected to take less belongs here or in a shorter lane; the last lane takes the rest.
  up_to_seconds double precision check (up_to_seconds > 0),
  -- A task that runs here for longer moves to the next lane.
  overrun_seconds double precision check (overrun_seconds > 0),
  -- What one step of priority is worth in a tenant's own order.
  head_start_seconds double precision not null check (head_start_seconds between 0 and 86400),
  -- How many tasks are handed out beyond the workers' slots, as a share of them, so that a free hand finds one at once.
  lookahead double precision not null check (lookahead between 0 and 4),
  -- A tenant that has used less than its share lately keeps so many worker-seconds of it for when it comes back.
  credit_seconds double precision not null check (credit_seconds between 0 and 604800),
  max_tasks integer not null default 2000000 check (max_tasks between 1 and 100000000),
  max_in_flight integer not null default 10000 check (max_in_flight between 1 and 100000),
  tenant_max_in_flight integer not null check (tenant_max_in_flight between 1 and 100000),
  starts_per_minute integer not null default 1000000 check (starts_per_minute between 1 and 1000000),
  tenant_starts_per_minute integer not null default 1000000 check (tenant_starts_per_minute between 1 and 1000000),

  virtual_time double precision not null default 0,
  admissions bigint not null default 0,
  start_credit double precision not null default 1000000,
  credited_at timestamptz not null default now()
) with (fillfactor = 50);

insert into lanes (
  name, up_to_seconds, overrun_seconds, head_start_seconds, lookahead, credit_seconds, tenant_max_in_flight, starts_per_minute, tenant_starts_per_minute
) values
  ('high_priority', 5, 10, 0, 1, 10, 1000, default, default),
  ('default', 300, 600, 30, 0.25, 300, 200, default, default),
  ('long_running', null, null, 600, 0, 3600, 20, 120, 30);

-- A tenant's part in a lane. `active`: it may have a task whose turn can come.
create table lane_shares (
  lane text not null references lanes,
  tenant_id uuid not null references tenants on delete cascade,
  weight double precision not null default 1 check (weight between 0.01 and 100),
  -- The tenant's own limits, where they differ from the lane's.
  max_in_flight integer check (max_in_flight between 1 and 100000),
  starts_per_minute integer check (starts_per_minute between 1 and 1000000),

  active boolean not null default false,
  -- Worker-seconds used, divided by the weight; the lowest goes next.
  virtual_time double precision not null,
  start_credit double precision not null default 1000000,
  credited_at timestamptz not null default now(),
  primary key (lane, tenant_id)
) with (fillfactor = 50);
create index lane_shares_next on lane_shares (lane, virtual_time) where active;

-- A row for every task that has not ended: its place in its lane. Narrow, because it changes at every step.
--   scheduled: its time (`run_at`) has not come     waiting: for its turn
--   parked: its concurrency key is taken            admitted: the next free worker takes it     running
create table turns (
  task_id uuid primary key references tasks on delete cascade,
  lane text not null references lanes,
  tenant_id uuid not null,
  stage text not null check (stage in ('scheduled', 'waiting', 'parked', 'admitted', 'running')),
  -- Its place in the tenant's own order: when it was submitted, less the head start of its priority.
  turn_at timestamptz not null,
  run_at timestamptz,
  expires_at timestamptz,
  concurrency_key text,
  concurrency_limit integer check (concurrency_limit > 0),
  -- Worker-seconds that it is expected to use; what it really used is settled at its end.
  charge double precision not null check (charge >= 0),
  -- The weakest sandbox that may run it.
  sandbox_floor text not null default 'container' check (sandbox_floor in ('container', 'kernel')),
  -- The number of the attempt that comes next, or runs.
  attempt integer not null default 1,
  -- Its place in the lane's order of starts.
  admission bigint,
  announced_at timestamptz,
  check ((concurrency_key is null) = (concurrency_limit is null)),
  check ((stage in ('admitted', 'running')) = (admission is not null)),
  check (stage <> 'scheduled' or run_at is not null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
create index turns_waiting on turns (lane, tenant_id, turn_at, task_id) where stage = 'waiting';
create index turns_scheduled on turns (lane, run_at) where stage = 'scheduled';
create index turns_parked on turns (tenant_id, concurrency_key, turn_at, task_id) where stage = 'parked';
create index turns_admitted on turns (lane, admission) where stage = 'admitted';
create index turns_expiring on turns (expires_at) where expires_at is not null and stage <> 'running';
create index turns_in_flight on turns (lane, tenant_id) where stage in ('admitted', 'running');
create index turns_waiting_with_key on turns (lane, tenant_id, concurrency_key, turn_at, task_id) where stage = 'waiting' and concurrency_key is not null;
create index turns_holding_key on turns (tenant_id, concurrency_key)
  where stage in ('admitted', 'running') and concurrency_key is not null;

-- How many tasks a tenant has in a lane, in shards: sessions that submit at one moment do not wait for each other.
create table lane_loads (
  lane text not null,
  tenant_id uuid not null references tenants on delete cascade,
  shard smallint not null,
  tasks bigint not null,
  primary key (lane, tenant_id, shard)
) with (fillfactor = 50);

create function count_turns_added() returns trigger language plpgsql as $$
begin
  insert into lane_loads as load (lane, tenant_id, shard, tasks)
  select lane, tenant_id, pg_backend_pid() % 32, count(*) from added group by lane, tenant_id order by lane, tenant_id
  on conflict (lane, tenant_id, shard) do update set tasks = load.tasks + excluded.tasks;
  return null;
end $$;
create function count_turns_removed() returns trigger language plpgsql as $$
begin
  insert into lane_loads as load (lane, tenant_id, shard, tasks)
  select lane, tenant_id, pg_backend_pid() % 32, -count(*) from removed group by lane, tenant_id order by lane, tenant_id
  on conflict (lane, tenant_id, shard) do update set tasks = load.tasks + excluded.tasks;
  return null;
end $$;
create function count_turn_moved() returns trigger language plpgsql as $$
begin
  insert into lane_loads as load (lane, tenant_id, shard, tasks)
  select lane, tenant_id, pg_backend_pid() % 32, change
  from (values (old.lane, old.tenant_id, -1), (new.lane, new.tenant_id, 1)) as move (lane, tenant_id, change)
  order by lane
  on conflict (lane, tenant_id, shard) do update set tasks = load.tasks + excluded.tasks;
  return null;
end $$;
create trigger turns_added after insert on turns
  referencing new table as added for each statement execute function count_turns_added();
create trigger turns_removed after delete on turns
  referencing old table as removed for each statement execute function count_turns_removed();
create trigger turn_moved after update of lane on turns
  for each row when (old.lane <> new.lane) execute function count_turn_moved();

-- What a bucket of starts holds after a while: ten seconds' worth at most, and never less than one start.
create function start_credit(credit double precision, since timestamptz, per_minute integer) returns double precision
language sql stable as $$
  select least(
    greatest(1, per_minute / 6.0),
    credit + per_minute / 60.0 * extract(epoch from clock_timestamp() - since)
  )
$$;

-- Admits tasks of a lane: as many as it has room for, tenant by tenant in the order of what each has used
-- (start-time fair queueing, Goyal et al. 1996, in worker-seconds, with a bounded credit for who used less), each
-- tenant's in its own order.
-- One caller at a time per lane, and every statement here sees what the callers before have done.
--
--   news_tenants, news_seconds  tenants with something new, and the worker-seconds to settle (used less charged)
--   freed_tenants, freed_keys   concurrency keys that may have become free
--   most                        tasks to admit at most
create function admit_turns(
  in_lane text, news_tenants uuid[], news_seconds double precision[], freed_tenants uuid[], freed_keys text[], most integer
) returns table (task_id uuid, attempt integer) language plpgsql
-- Its statements are long: to plan them anew for every call would cost more than to run them.
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  keys_lock constant bigint := 7521962890068;
  most_parked constant integer := 1000;
  lane lanes;
  slots integer;
  -- Of workers whose sandboxes reach the highest floor: tasks that ask for it are admitted for these alone.
  strong_slots integer;
  strong_vacancies integer;
  in_flight integer;
  vacancies integer;
  round record;
  all_parked integer := 0;
  all_ids uuid[] := '{}';
  all_attempts integer[] := '{}';
begin
  select * into strict lane from lanes where name = in_lane for update;

  update lane_shares share
  set virtual_time = share.virtual_time + news.seconds / share.weight
  from (
    select tenant_id, sum(seconds) as seconds
    from unnest(news_tenants, news_seconds) as news (tenant_id, seconds)
    group by tenant_id
    having sum(seconds) <> 0
  ) news
  where share.lane = in_lane and share.tenant_id = news.tenant_id;

  -- A key spans lanes, so that whoever counts its holders does so alone.
  if cardinality(freed_keys) > 0 or exists (
    select from turns where lane = in_lane and stage = 'waiting' and concurrency_key is not null
  ) then
    perform pg_advisory_xact_lock(keys_lock);
  end if;

  update turns
  set stage = 'waiting'
  where task_id in (
    select parked.task_id
    from (select distinct * from unnest(freed_tenants, freed_keys) as freed (tenant_id, key)) freed
    cross join lateral (
      select next.task_id, next.concurrency_limit, row_number() over (order by next.turn_at, next.task_id) as place
      from (
        select * from turns
        where tenant_id = freed.tenant_id and concurrency_key = freed.key and stage = 'parked'
        order by turn_at, task_id
        limit most
      ) next
    ) parked
    where parked.place <= parked.concurrency_limit - (
      select count(*) from turns
      where tenant_id = freed.tenant_id and concurrency_key = freed.key and stage in ('admitted', 'running')
    )
  );

  with due as (
    update turns
    set stage = 'waiting'
    where task_id in (
      select task_id from turns
      where lane = in_lane and stage = 'scheduled' and run_at <= clock_timestamp()
      order by run_at
      limit 1000
    )
    returning tenant_id
  )
  insert into lane_shares as share (lane, tenant_id, active, virtual_time)
  select in_lane, tenant_id, true, lane.virtual_time - lane.credit_seconds
  from (
    select tenant_id from due
    union
    select tenant_id
    from unnest(news_tenants || freed_tenants) as news (tenant_id)
    where exists (select from turns where lane = in_lane and tenant_id = news.tenant_id and stage = 'waiting')
  ) wanting
  on conflict on constraint lane_shares_pkey do update
  set active = true, virtual_time = greatest(share.virtual_time, lane.virtual_time - lane.credit_seconds / share.weight)
  where not share.active;

  select
    coalesce(sum((worker.slots ->> in_lane)::integer), 0),
    coalesce(sum((worker.slots ->> in_lane)::integer) filter (where level = 'kernel'), 0)
  into slots, strong_slots
  from workers worker
  where alive_until > now() and not draining;
  select count(*), ceil(strong_slots * (1 + lane.lookahead)) - count(*) filter (where sandbox_floor = 'kernel')
  into in_flight, strong_vacancies
  from turns
  where lane = in_lane and stage in ('admitted', 'running');
  lane.start_credit := start_credit(lane.start_credit, lane.credited_at, lane.starts_per_minute);
  vacancies := case when lane.paused then 0 else least(
    ceil(slots * (1 + lane.lookahead)) - in_flight,
    lane.max_in_flight - in_flight,
    floor(lane.start_credit),
    most
  ) end;

  -- Bounded, so that nobody waits long for the lane: what is left is done by the next call.
  while vacancies > 0 and all_parked < most_parked loop
    -- Read along the index of virtual times, so that a thousand tenants cost no more than those who are looked at.
    with candidate as (
      select
        share.tenant_id,
        share.weight,
        share.virtual_time,
        credit.starts,
        least(
          vacancies,
          coalesce(share.max_in_flight, lane.tenant_max_in_flight) - busy.tasks,
          floor(credit.starts)
        ) as allowance
      from lane_shares share
      cross join lateral (
        select count(*) as tasks from turns
        where lane = in_lane and tenant_id = share.tenant_id and stage in ('admitted', 'running')
      ) busy
      cross join lateral (
        select start_credit(
          share.start_credit, share.credited_at, coalesce(share.starts_per_minute, lane.tenant_starts_per_minute)
        ) as starts
      ) credit
      where share.lane = in_lane and share.active
        and busy.tasks < coalesce(share.max_in_flight, lane.tenant_max_in_flight)
        and credit.starts >= 1
        -- Who waits for a stronger sandbox than is free stands in nobody's way.
        and (strong_vacancies > 0 or 'kernel' is distinct from (
          select sandbox_floor from turns
          where lane = in_lane and tenant_id = share.tenant_id and stage = 'waiting'
          order by turn_at, task_id
          limit 1
        ))
      order by share.virtual_time
      limit vacancies
    ), offer as materialized (
      select turn.*, candidate.virtual_time + (sum(turn.charge) over place - turn.charge) / candidate.weight as start_tag
      from candidate
      cross join lateral (
        select * from turns
        where lane = in_lane and tenant_id = candidate.tenant_id and stage = 'waiting'
        order by turn_at, task_id
        limit candidate.allowance
      ) turn
      window place as (partition by turn.tenant_id order by turn.turn_at, turn.task_id)
    ), next as materialized (
      select
        ranked.*,
        ranked.concurrency_key is null or ranked.place_in_key <= ranked.concurrency_limit - (
          select count(*) from turns
          where tenant_id = ranked.tenant_id and concurrency_key = ranked.concurrency_key
            and stage in ('admitted', 'running')
        ) as fits
      from (
        select
          best.*,
          row_number() over (partition by tenant_id, concurrency_key order by start_tag, turn_at, task_id) as place_in_key
        from (
          select *
          from (
            select
              offer.*,
              count(*) filter (where sandbox_floor = 'kernel') over (order by start_tag, turn_at, task_id) as strong
            from offer
          ) counted
          where sandbox_floor <> 'kernel' or strong <= strong_vacancies
          order by start_tag, turn_at, task_id
          limit vacancies
        ) best
      ) ranked
    ), admitted as (
      update turns
      set stage = 'admitted', admission = lane.admissions + chosen.place, announced_at = now()
      from (
        select task_id, row_number() over (order by start_tag, turn_at, task_id) as place from next where fits
      ) chosen
      where turns.task_id = chosen.task_id and turns.stage = 'waiting'
      returning turns.task_id, turns.attempt, turns.admission
    ), parked as (
      -- Not only the tasks that were looked at, but who else waits for the same key: a flood would be met again and again.
      update turns
      set stage = 'parked'
      from (
        select behind.task_id
        from (select distinct tenant_id, concurrency_key from next where not fits) taken_key
        cross join lateral (
          select task_id from turns
          where lane = in_lane and tenant_id = taken_key.tenant_id and concurrency_key = taken_key.concurrency_key
            and stage = 'waiting' and task_id not in (select task_id from next where fits)
          order by turn_at, task_id
          limit most_parked
        ) behind
      ) behind
      where turns.task_id = behind.task_id and turns.stage = 'waiting'
      returning 1
    ), spent as (
      update lane_shares share
      set
        virtual_time = share.virtual_time + spending.charge / share.weight,
        start_credit = candidate.starts - spending.starts,
        credited_at = clock_timestamp(),
        -- Looks behind the tasks that are taken here, which are the first of the tenant's order.
        active = exists (
          select from turns
          where lane = in_lane and tenant_id = spending.tenant_id and stage = 'waiting'
          order by turn_at, task_id
          offset spending.tasks
        )
      from (
        select
          tenant_id,
          count(*) as tasks,
          count(*) filter (where fits) as starts,
          coalesce(sum(charge) filter (where fits), 0) as charge
        from next
        group by tenant_id
      ) spending
      join candidate on candidate.tenant_id = spending.tenant_id
      where share.lane = in_lane and share.tenant_id = spending.tenant_id
    ), silent as (
      update lane_shares share
      set active = false
      from candidate
      where share.lane = in_lane and share.tenant_id = candidate.tenant_id
        and not exists (select from offer where offer.tenant_id = candidate.tenant_id)
      returning 1
    )
    select
      coalesce(array_agg(task_id order by admission), '{}') as ids,
      coalesce(array_agg(attempt order by admission), '{}') as attempts,
      (select count(*) from parked) as parked,
      (select count(*) from silent) as silent,
      (select count(*) from candidate) as candidates,
      (select count(*) from next where fits and sandbox_floor = 'kernel') as strong,
      (select max(start_tag) from next where fits) as start_tag
    into round
    from admitted;

    all_ids := all_ids || round.ids;
    all_attempts := all_attempts || round.attempts;
    all_parked := all_parked + round.parked;
    lane.admissions := lane.admissions + cardinality(round.ids);
    lane.start_credit := lane.start_credit - cardinality(round.ids);
    lane.virtual_time := greatest(lane.virtual_time, round.start_tag);
    exit when round.parked = 0 and round.silent = 0 and (round.candidates < vacancies or round.ids = '{}');
    vacancies := vacancies - cardinality(round.ids);
    strong_vacancies := strong_vacancies - round.strong;
  end loop;

  if all_ids <> '{}' then
    update lanes
    set
      admissions = lane.admissions,
      virtual_time = lane.virtual_time,
      start_credit = lane.start_credit,
      credited_at = clock_timestamp()
    where name = in_lane;
  end if;
  return query select unnest(all_ids), unnest(all_attempts);
end $$;

alter table tasks
  -- What it is learned by: which function, how large its inputs, and what was forecast.
  add column function_key text not null default '',
  add column input_bytes bigint not null default 0,
  add column expected_seconds double precision not null default 0,
  add column forecast_by text,
  add column forecast_seconds double precision,
  -- How long it had run when it outlived a lane.
  add column overran_seconds double precision,
  add column run_at timestamptz,
  add column expires_at timestamptz,
  add column concurrency_key text,
  add column concurrency_limit integer,
  -- A task that is not repeatable is started once and never stopped for the platform's sake.
  add column repeatable boolean not null default true,
  add column retry_backoff_seconds double precision,
  -- Attempts that were given back (by an overrun or a worker that left): they do not count as failed.
  add column returns integer not null default 0,
  -- Why a failed task was not tried again although its failure is one to try again.
  add column dead_reason text check (dead_reason in ('attempts_exhausted', 'not_repeatable', 'no_larger_tier')),
  add column replay_of uuid references tasks on delete set null,
  drop column announced_at;
drop index if exists tasks_waiting;
create index tasks_dead on tasks (tenant_id, id desc) where dead_reason is not null;

alter table attempts drop constraint attempts_outcome_check;
alter table attempts add constraint attempts_outcome_check
  check (outcome in ('completed', 'failed', 'cancelled', 'returned'));

-- Tasks that were under way before lanes had turns.
insert into turns (task_id, lane, tenant_id, stage, turn_at, charge, attempt, admission)
select
  id, lane, tenant_id, case status when 'queued' then 'waiting' else 'running' end, queued_at, estimated_seconds,
  case status when 'queued' then attempt + 1 else attempt end, case status when 'running' then 0 end
from tasks
where status in ('queued', 'running');
