-- Every change of a customer's configuration gives the customer the next number there is. The one row of
-- "configuration" is locked until the change is committed: whoever has seen a number has seen all before it.
INSERT INTO "configuration" ("only", "version") VALUES (true, 1) ON CONFLICT DO NOTHING;--> statement-breakpoint
UPDATE "customers" SET "version" = 1;--> statement-breakpoint
CREATE FUNCTION "next_configuration_version"() RETURNS bigint LANGUAGE sql AS $$
  UPDATE "configuration" SET "version" = "version" + 1 RETURNING "version"
$$;--> statement-breakpoint
CREATE FUNCTION "customer_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A number which was given already stays: then it is something of the customer that changed.
  IF TG_OP = 'INSERT' OR NEW."version" = OLD."version" THEN
    NEW."version" := "next_configuration_version"();
  END IF;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE FUNCTION "something_of_customers_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM "changed") THEN
    UPDATE "customers" SET "version" = "next"."version"
    FROM (SELECT "next_configuration_version"() AS "version") AS "next"
    WHERE "id" IN (SELECT "customer_id" FROM "changed");
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "customer_version" BEFORE INSERT OR UPDATE ON "customers"
  FOR EACH ROW EXECUTE FUNCTION "customer_changed"();--> statement-breakpoint
DO $$
DECLARE "noun" text;
BEGIN
  FOREACH "noun" IN ARRAY ARRAY['providers', 'routes', 'extensions', 'trunks', 'numbers', 'flows'] LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS "changed"
      FOR EACH STATEMENT EXECUTE FUNCTION "something_of_customers_changed"()', "noun" || '_inserted', "noun");
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING NEW TABLE AS "changed"
      FOR EACH STATEMENT EXECUTE FUNCTION "something_of_customers_changed"()', "noun" || '_updated', "noun");
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS "changed"
      FOR EACH STATEMENT EXECUTE FUNCTION "something_of_customers_changed"()', "noun" || '_deleted', "noun");
  END LOOP;
END
$$;
