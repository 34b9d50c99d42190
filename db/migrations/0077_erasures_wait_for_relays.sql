-- A relay may have yet to tell of calls which nobody watches: what is erased at once, that would miss.
DO $do$ BEGIN
  EXECUTE replace(pg_get_functiondef('"erase_step"(integer)'::regprocedure),
    'WHERE "status" = ''running'' ORDER BY', 'WHERE "status" = ''running'' AND "created_at" <= now() - interval ''3 seconds'' ORDER BY');
END $do$;
