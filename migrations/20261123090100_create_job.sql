-- How a request gets done: one row a step, segment -> deliver -> notify.
create table job (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('segment', 'deliver', 'notify')),
    request_id uuid not null references segment_request (id) on delete cascade,
    -- the step that this one follows
    parent_id uuid references job (id) on delete cascade,
    -- 'team:user', whose fair share this is
    owner_key text not null,
    -- 'segment:<request>', 'deliver:<parent>', 'notify:<parent>', 'retry:<failed job>'
    source_key text not null unique,
    priority smallint not null default 0,
    state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    run_at timestamptz not null default now(),
    -- the fencing token: grows with every claim, never goes back
    attempt integer not null default 0,
    -- the retry budget; a crash counts, a hand-back does not
    failures smallint not null default 0,
    failures_max smallint not null,
    worker text,
    lease_until timestamptz,
    deadline_at timestamptz,
    cancel_at timestamptz,
    -- what a later attempt need not do again
    progress jsonb not null default '{}',
    failure jsonb,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    check ((state = 'running') = (lease_until is not null and worker is not null)),
    check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
);

create index job_ready on job (kind, owner_key, priority desc, run_at, id) where state = 'queued';
create index job_running on job (kind, lease_until) where state = 'running';
create index job_served on job (kind, owner_key, started_at desc) where started_at is not null;
create index job_measured on job (kind, finished_at desc) where state = 'succeeded';
create index job_request on job (request_id);
create index job_parent on job (parent_id);
