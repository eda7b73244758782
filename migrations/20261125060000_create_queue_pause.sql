-- One row: whether an operator holds new segments back.
create table queue_pause (
    single boolean primary key default true check (single),
    -- null while segments may start
    paused_at timestamptz
);
insert into queue_pause default values;
