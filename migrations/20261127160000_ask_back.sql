-- Whether a person wants the segment although its order is no better than chance.
alter table segment_request add column anyway boolean not null default false;
