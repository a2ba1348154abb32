-- Lines of requirements as the user stated them; none means the default environment.
alter table tasks add column requirements text[] not null default '{}';
