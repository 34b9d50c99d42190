-- Every statement here runs for milliseconds, and compiling one takes PostgreSQL a second or more.
DO $$
BEGIN
  EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'Have the owner of the database run: ALTER DATABASE % SET jit = off', quote_ident(current_database());
END
$$;
