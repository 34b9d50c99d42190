-- Each statement which a function in PL/pgSQL runs costs more than what it does to a row or two: here is one for what changed, one for
-- the change before, one which writes. What is an expression only is none.
CREATE OR REPLACE FUNCTION "next_configuration_version"() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE "given" text := nullif(current_setting('trunkline.version', true), '');
BEGIN
  IF "given" IS NULL THEN
    UPDATE "configuration" SET "version" = "version" + 1 RETURNING "version" INTO "given";
    "given" := set_config('trunkline.version', "given", true);
  END IF;
  RETURN "given"::bigint;
END
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "something_of_customers_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- All rows are given one number, and where there is none no number is taken.
  UPDATE "customers" SET "version" = "next_configuration_version"() WHERE "id" IN (SELECT "customer_id" FROM "changed");
  RETURN NULL;
END
$$;--> statement-breakpoint
-- What the trigger before writes into a customer is its number: the turn is taken, and nothing is to be noted.
DROP TRIGGER "customers_in_turn" ON "customers";--> statement-breakpoint
CREATE TRIGGER "customers_in_turn" BEFORE INSERT OR UPDATE OR DELETE ON "customers"
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
DROP TRIGGER "customers_update_noted" ON "customers";--> statement-breakpoint
CREATE TRIGGER "customers_update_noted" AFTER UPDATE ON "customers" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION "note_changes"('customer');--> statement-breakpoint
-- The names of a row's secrets.
CREATE FUNCTION "secrets_in"("row" jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT "name" FROM jsonb_object_keys("row") AS "name" WHERE "name" LIKE 'sealed\_%' OR "name" LIKE '%hash');
END
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "recorded"("row" jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  "secret" CONSTANT text[] := "secrets_in"("row");
  "kept" jsonb := "row" - '{version,found,found_since}'::text[];
BEGIN
  IF cardinality("secret") = 0 THEN
    RETURN "kept";
  END IF;
  "kept" := "kept" - "secret";
  IF jsonb_path_exists("row", '$.keyvalue() ? (@.key starts with "sealed_")') THEN
    "kept" := "kept" || jsonb_build_object('password_set',
      jsonb_path_exists("row", '$.keyvalue() ? (@.key starts with "sealed_" && @.value != null)'));
  END IF;
  RETURN "kept";
END
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "note_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "noun" CONSTANT text := TG_ARGV[0];
  "owner" CONSTANT text := CASE "noun" WHEN 'customer' THEN 'id' ELSE 'customer_id' END;
  "most" CONSTANT integer := 30000;
  "uncounted" CONSTANT text[] := '{version,found,found_since,failing_since}';
  "bare" boolean;
  "changed" refcursor;
  "whose" record;
  "number" bigint;
  "last" record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    OPEN "changed" FOR SELECT ("n" ->> "owner")::uuid AS "customer_id", array_agg(NULL::jsonb) AS "was", array_agg("n") AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("r") AS "n" FROM "new_rows" AS "r" OFFSET 0) AS "pair" GROUP BY 1;
  ELSIF TG_OP = 'DELETE' THEN
    OPEN "changed" FOR SELECT ("o" ->> "owner")::uuid AS "customer_id", array_agg("o") AS "was", array_agg(NULL::jsonb) AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("r") AS "o" FROM "old_rows" AS "r" OFFSET 0) AS "pair" GROUP BY 1;
  ELSE
    OPEN "changed" FOR SELECT ("n" ->> "owner")::uuid AS "customer_id", array_agg("o") AS "was", array_agg("n") AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("o") AS "o", to_jsonb("n") AS "n" FROM "old_rows" AS "o" JOIN "new_rows" AS "n" USING ("id") OFFSET 0) AS "pair"
      WHERE "o" - "uncounted" <> "n" - "uncounted" GROUP BY 1;
  END IF;
  LOOP
    FETCH "changed" INTO "whose";
    EXIT WHEN NOT FOUND;
    -- A key or a webhook is no part of what calls are decided by, and raises no number.
    IF "noun" IN ('accesskey', 'webhook') THEN
      SELECT "version" INTO "number" FROM "configuration";
    ELSE
      "number" := "next_configuration_version"();
    END IF;
    -- Most have no secrets, and which those are is asked once.
    "bare" := cardinality("secrets_in"(coalesce("whose"."is"[1], "whose"."was"[1]))) = 0;
    SELECT "ordinal", "at" INTO "last" FROM "changes" WHERE "customer_id" = "whose"."customer_id" ORDER BY "at" DESC LIMIT 1;
    "last"."ordinal" := coalesce("last"."ordinal", 0);
    "last"."at" := greatest(clock_timestamp(), "last"."at");
    INSERT INTO "changes" ("id", "customer_id", "version", "ordinal", "at", "resource_type", "resource_id", "key_id", "request_id",
      "before", "after", "secret_changed")
    SELECT gen_random_uuid(), "whose"."customer_id", "number", "last"."ordinal" + "nth", "last"."at" + "nth" * interval '1 microsecond',
      "noun", (coalesce("n", "o") ->> 'id')::uuid, nullif(current_setting('trunkline.key_id', true), '')::uuid,
      nullif(current_setting('trunkline.request_id', true), ''),
      CASE WHEN "bare" THEN "o" - '{version,found,found_since}'::text[] WHEN "o" IS NOT NULL THEN "recorded"("o") END,
      CASE WHEN "bare" THEN "n" - '{version,found,found_since}'::text[] WHEN "n" IS NOT NULL THEN "recorded"("n") END,
      NOT "bare" AND "o" IS NOT NULL AND "n" IS NOT NULL AND "secrets_differ"("o", "n")
    FROM unnest("whose"."was", "whose"."is") WITH ORDINALITY AS "pair" ("o", "n", "nth")
    WHERE "nth" > "whose"."count" - "most";
    -- Swept at each sixteenth change: more than come since.
    IF ("last"."ordinal" + "whose"."count") / 16 > "last"."ordinal" / 16 THEN
      DELETE FROM "changes" USING (
        SELECT "id", "ordinal", lead("at") OVER (ORDER BY "at") AS "next_at" FROM (
          SELECT "id", "ordinal", "at" FROM "changes" WHERE "customer_id" = "whose"."customer_id"
          ORDER BY "at" LIMIT "whose"."count" + 32) AS "few") AS "oldest"
      WHERE "changes"."id" = "oldest"."id" AND ("oldest"."ordinal" <= "last"."ordinal" + "whose"."count" - "most"
        OR "oldest"."next_at" < now() - interval '90 days');
    END IF;
  END LOOP;
  CLOSE "changed";
  RETURN NULL;
END
$$;
