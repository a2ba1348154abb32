-- What the estimator has learned, a row a subject: a function version, or whose forecasts turned out how.
-- A histogram of fixed size at most; writers compare and set the revision. The room lets an update stay in its page.
create table runtime_histories (
  tenant_id uuid not null references tenants on delete cascade,
  subject text not null check (length(subject) <= 400),
  revision bigint not null,
  cells integer[] not null check (cardinality(cells) <= 256),
  weights real[] not null check (cardinality(weights) = cardinality(cells)),
  streak smallint not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, subject)
) with (fillfactor = 70);
