-- What the runner may do with the change log. Run once as superuser or as the owner of the table;
-- safe to run again.
--   mana_ai_runner  reads and appends, under the row level security of the table
--   mana_ai_owner   attaches the trigger that notes which missions changed (mana-ai migrate)
GRANT SELECT, INSERT ON public.sync_changes TO mana_ai_runner;
GRANT TRIGGER ON public.sync_changes TO mana_ai_owner;
