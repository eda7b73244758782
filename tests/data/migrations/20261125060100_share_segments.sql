insert into segment_request (source_key, team, requester, locale, channel, deliver_to, conditions, same_key, built_by)
select 'V3', team, 'U3', locale, channel, deliver_to, conditions, 'key', id from segment_request where source_key = 'V1';
