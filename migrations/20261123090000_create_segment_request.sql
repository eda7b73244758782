-- What was asked for, and what came of it.
create table segment_request (
    id uuid primary key default gen_random_uuid(),
    -- the short number that people see
    number bigint generated always as identity unique,
    -- the click that asked, unique for ever, so that a repeated delivery of it starts nothing
    source_key text not null unique,
    team text not null,
    requester text not null,
    locale text not null,
    channel text not null,
    thread_ts text,
    deliver_to text not null check (deliver_to in ('thread', 'dm')),
    conditions jsonb not null,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'delivering', 'done', 'failed', 'cancelled')),
    stage text,
    stage_done bigint not null default 0,
    stage_of bigint not null default 0,
    failure jsonb,
    summary jsonb,
    -- the one root message
    root_channel text,
    root_ts text,
    -- grows with every change that a person can see
    version bigint not null default 1,
    -- the version that the root message shows
    shown bigint not null default 0,
    changed_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    check ((root_channel is null) = (root_ts is null)),
    check ((state = 'failed') = (failure is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null))
);

create index segment_request_requester on segment_request (team, requester, number desc);
create index segment_request_unshown on segment_request (changed_at) where version > shown;
