insert into incident (cause, kind, examples)
select 'internal', 'segment', jsonb_build_array(jsonb_build_object('number', number, 'id', id)) from segment_request where source_key = 'V2';

insert into incident (cause, kind, count, channel, ts, version, shown, shown_at, resolved_at)
values ('storage_unreachable', 'segment', 12, 'C9', '1764000000.000200', 13, 13, now(), now());
