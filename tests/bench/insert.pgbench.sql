\set n random(1, 100000)
INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, client_id)
VALUES ('todo', 'tasks', 'task-' || :n, 'user-' || :n, 'insert', '{"title": "enc:1:0123456789abcdef:0123456789abcdef"}', 'bench');
