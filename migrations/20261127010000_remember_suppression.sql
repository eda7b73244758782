-- One row: which suppression list is in force, so that a store that lost it is noticed and nobody on it is contacted.
create table suppression_in_force (
    single boolean primary key default true check (single),
    -- rises with every list that is put in force or taken out; 0 before the first
    number bigint not null default 0,
    -- SHA-256 of the list; null while there is none
    sha256 text,
    changed_at timestamptz not null default now()
);
insert into suppression_in_force default values;

-- Which process posts a request's first message, and until when nobody else does.
alter table segment_request add column root_claimed_until timestamptz;
