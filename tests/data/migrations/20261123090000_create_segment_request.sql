insert into segment_request (source_key, team, requester, locale, channel, deliver_to, conditions)
values ('V1', 'T1', 'U1', 'ja', 'C1', 'thread',
    '{"product":"coffee","genders":[],"age":null,"regions":[],"size":{"people":500},"exclude_converted":"never"}');

insert into segment_request
    (source_key, team, requester, locale, channel, deliver_to, conditions, state, failure, root_channel, root_ts, version, shown, started_at, finished_at)
values ('V2', 'T1', 'U2', 'en', 'C1', 'dm',
    '{"product":"kimono","genders":["f"],"age":{"from":25,"to":39},"regions":["13"],"size":{"percent":5},"exclude_converted":{"days":90}}',
    'failed', '{"code":"internal"}', 'C1', '1764000000.000100', 4, 3, now(), now());
