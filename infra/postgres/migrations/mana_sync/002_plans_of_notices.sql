-- The runner appends rows in functions that plan without sequential scans, and there is no other way to read the rows
-- of a statement: the planner takes the notice for the most expensive query there is, and compiles it to machine code
-- anew for every row, which costs many times what the row does.
ALTER FUNCTION mana_sync.note_changes() SET enable_seqscan = on;
ALTER FUNCTION mana_sync.note_changes() SET jit = off;
