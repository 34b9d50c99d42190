-- Whoever changes configuration takes its turn before it touches a row. Taken after (0004), two changes of one
-- customer could each hold what the other waits for, and the database ended one of them.
CREATE FUNCTION "take_configuration_turn"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "configuration" FOR UPDATE;
  RETURN NULL;
END
$$;--> statement-breakpoint
DO $$
DECLARE "noun" text;
BEGIN
  FOREACH "noun" IN ARRAY ARRAY['customers', 'providers', 'routes', 'extensions', 'trunks', 'numbers', 'flows'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"()', "noun" || '_in_turn', "noun");
  END LOOP;
END
$$;
