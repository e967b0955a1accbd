-- A channel may be for what matters alone: of the kinds that it hears of, those that matter at least as much.
alter table chat_channel add column severity text not null default 'info';
alter table chat_channel
    add constraint chat_channel_severity_check check (severity in ('info', 'notice', 'warning', 'critical'));
