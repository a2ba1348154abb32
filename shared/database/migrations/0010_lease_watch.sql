-- Since when somebody has looked after the leases without a break. A time in which nobody could look is one in which
-- nobody could renew either: a lease that ran out in it says nothing about its worker.
create table lease_watch (
  only_row boolean primary key default true check (only_row),
  looked_at timestamptz not null,
  calm_since timestamptz not null
) with (fillfactor = 50);
insert into lease_watch (looked_at, calm_since) values ('-infinity', '-infinity');
revoke all on lease_watch from mecapy_gateway;
