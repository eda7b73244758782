insert into job (kind, request_id, owner_key, source_key, failures_max)
select 'segment', id, team || ':' || requester, 'segment:' || id, 3 from segment_request where source_key = 'V1';

insert into job (kind, request_id, owner_key, source_key, failures_max, state, attempt, failures, failure, started_at, finished_at)
select 'segment', id, team || ':' || requester, 'segment:' || id, 3, 'failed', 3, 3, '{"code":"internal"}', now(), now()
from segment_request where source_key = 'V2';
