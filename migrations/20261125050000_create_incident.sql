-- Failures that the operator has to look at, one row a cause while it lasts, so that they are one message.
create table incident (
    id uuid primary key default gen_random_uuid(),
    -- the failure's code, with Slack's reason where it gave one
    cause text not null,
    -- the step at which requests fail; the same step done later shows that the cause is gone
    kind text not null check (kind in ('segment', 'deliver', 'notify')),
    count bigint not null default 1,
    -- the last requests that met it, the newest first
    examples jsonb not null default '[]',
    opened_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    resolved_at timestamptz,
    -- the one message in the operators' channel
    channel text,
    ts text,
    -- grows with every change that the message should show
    version bigint not null default 1,
    shown bigint not null default 0,
    shown_at timestamptz,
    check ((channel is null) = (ts is null))
);

create unique index incident_open on incident (cause) where resolved_at is null;
create index incident_cause on incident (cause, opened_at desc);
create index incident_unshown on incident (last_at) where version > shown;
