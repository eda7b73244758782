-- Equal requests share one computation and its files.
alter table segment_request
    -- of the product when it was asked for: higher starts first
    add column priority smallint not null default 0,
    -- what was asked, without what only labels it: equal keys ask for the same people
    add column same_key text,
    -- the request whose segment this one gets; null where it is built for itself
    add column built_by uuid references segment_request (id);

create index segment_request_same on segment_request (team, same_key, number desc) where same_key is not null;
create index segment_request_followers on segment_request (built_by) where built_by is not null;
-- retention
create index segment_request_finished on segment_request (finished_at) where finished_at is not null;
