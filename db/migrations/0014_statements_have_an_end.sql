-- The longest statement here runs for a second or two. One which does not end must not hold a connection, and what waits for its locks.
DO $$
BEGIN
  EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''20s''', current_database());
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'Have the owner of the database run: ALTER DATABASE % SET statement_timeout = ''20s''', quote_ident(current_database());
END
$$;
