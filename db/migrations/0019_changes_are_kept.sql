CREATE TABLE "changes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"ordinal" bigint NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"key_id" uuid,
	"request_id" text,
	"before" jsonb,
	"after" jsonb,
	"secret_changed" boolean NOT NULL
);
--> statement-breakpoint
CREATE INDEX "changes_customer_id_at_id_index" ON "changes" USING btree ("customer_id","at","id");--> statement-breakpoint
CREATE INDEX "changes_customer_id_resource_id_at_index" ON "changes" USING btree ("customer_id","resource_id","at");--> statement-breakpoint
CREATE INDEX "changes_customer_id_version_index" ON "changes" USING btree ("customer_id","version");--> statement-breakpoint
-- One transaction is one change of the configuration, however many statements it takes: the number it was given first
-- is that of all of them.
CREATE OR REPLACE FUNCTION "next_configuration_version"() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE "given" bigint := nullif(current_setting('trunkline.version', true), '')::bigint;
BEGIN
  IF "given" IS NULL THEN
    UPDATE "configuration" SET "version" = "version" + 1 RETURNING "version" INTO "given";
    PERFORM set_config('trunkline.version', "given"::text, true);
  END IF;
  RETURN "given";
END
$$;--> statement-breakpoint
-- What is kept of a row: not its secrets, which are named "sealed_…" or "…hash", nor what is counted or observed.
CREATE FUNCTION "recorded"("row" jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg("key", "value") FILTER (WHERE NOT "sealed" AND "key" NOT LIKE '%hash' AND "key" NOT IN ('version', 'found', 'found_since'))
    || CASE WHEN bool_or("sealed") THEN jsonb_build_object('password_set', bool_or("sealed" AND "value" <> 'null')) ELSE '{}' END
  FROM (SELECT "key", "value", "key" LIKE 'sealed\_%' AS "sealed" FROM jsonb_each("row")) AS "field"
$$;--> statement-breakpoint
CREATE FUNCTION "secrets_of"("row" jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg("key", "value") FROM jsonb_each("row") WHERE "key" LIKE 'sealed\_%' OR "key" LIKE '%hash'
$$;--> statement-breakpoint
-- The rows of a statement go down as changes: who made them the transaction says in "trunkline.key_id" and
-- "trunkline.request_id". What is too old, or too much, goes with them (db/README.md).
CREATE FUNCTION "note_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "was" jsonb[];
  "is" jsonb[];
  "whose" record;
  "noun" CONSTANT text := TG_ARGV[0];
  "most" CONSTANT integer := 10000;
  "number" bigint;
  "last" record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(NULL::jsonb), array_agg(to_jsonb("n")) INTO "was", "is" FROM "new_rows" AS "n";
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(to_jsonb("o")), array_agg(NULL::jsonb) INTO "was", "is" FROM "old_rows" AS "o";
  ELSE
    SELECT array_agg(to_jsonb("o")), array_agg(to_jsonb("n")) INTO "was", "is"
    FROM "old_rows" AS "o" JOIN "new_rows" AS "n" USING ("id")
    WHERE "recorded"(to_jsonb("o")) IS DISTINCT FROM "recorded"(to_jsonb("n"))
      OR "secrets_of"(to_jsonb("o")) IS DISTINCT FROM "secrets_of"(to_jsonb("n"));
  END IF;
  IF "was" IS NULL THEN
    RETURN NULL;
  END IF;
  -- A key is no part of the configuration, and raises no number.
  IF "noun" = 'accesskey' THEN
    SELECT "version" INTO "number" FROM "configuration";
  ELSE
    "number" := "next_configuration_version"();
  END IF;
  FOR "whose" IN
    SELECT (coalesce("n", "o") ->> CASE "noun" WHEN 'customer' THEN 'id' ELSE 'customer_id' END)::uuid AS "customer_id",
      array_agg("o") AS "was", array_agg("n") AS "is", count(*) AS "count"
    FROM unnest("was", "is") AS "pair" ("o", "n") GROUP BY 1
  LOOP
    SELECT "ordinal", "at" INTO "last" FROM "changes" WHERE "customer_id" = "whose"."customer_id" ORDER BY "at" DESC LIMIT 1;
    "last"."ordinal" := coalesce("last"."ordinal", 0);
    "last"."at" := greatest(clock_timestamp(), "last"."at");
    INSERT INTO "changes" ("id", "customer_id", "version", "ordinal", "at", "resource_type", "resource_id", "key_id", "request_id",
      "before", "after", "secret_changed")
    SELECT gen_random_uuid(), "whose"."customer_id", "number", "last"."ordinal" + "nth", "last"."at" + "nth" * interval '1 microsecond',
      "noun", (coalesce("n", "o") ->> 'id')::uuid, nullif(current_setting('trunkline.key_id', true), '')::uuid,
      nullif(current_setting('trunkline.request_id', true), ''), "recorded"("o"), "recorded"("n"),
      "o" IS NOT NULL AND "n" IS NOT NULL AND "secrets_of"("o") IS DISTINCT FROM "secrets_of"("n")
    FROM unnest("whose"."was", "whose"."is") WITH ORDINALITY AS "pair" ("o", "n", "nth")
    WHERE "nth" > "whose"."count" - "most";
    DELETE FROM "changes" USING (
      SELECT "id", "ordinal", lead("at") OVER (ORDER BY "at") AS "next_at" FROM (
        SELECT "id", "ordinal", "at" FROM "changes" WHERE "customer_id" = "whose"."customer_id"
        ORDER BY "at" LIMIT "whose"."count" + 10) AS "few") AS "oldest"
    WHERE "changes"."id" = "oldest"."id" AND ("oldest"."ordinal" <= "last"."ordinal" + "whose"."count" - "most"
      OR "oldest"."next_at" < now() - interval '90 days');
  END LOOP;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "access_keys_in_turn" BEFORE INSERT OR UPDATE OR DELETE ON "access_keys"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
DO $$
DECLARE "table" text; "noun" text;
BEGIN
  FOR "table", "noun" IN VALUES ('customers', 'customer'), ('providers', 'provider'), ('routes', 'route'), ('extensions', 'extension'),
    ('trunks', 'trunk'), ('flows', 'flow'), ('numbers', 'number'), ('access_keys', 'accesskey')
  LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS "new_rows"
      FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"(%L)', "table" || '_insert_noted', "table", "noun");
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
      FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"(%L)', "table" || '_update_noted', "table", "noun");
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS "old_rows"
      FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"(%L)', "table" || '_delete_noted', "table", "noun");
  END LOOP;
END
$$;--> statement-breakpoint
-- The history of who is there already begins with how things are.
INSERT INTO "changes" ("id", "customer_id", "version", "ordinal", "at", "resource_type", "resource_id", "before", "after", "secret_changed")
SELECT gen_random_uuid(), "id", "version", 1, now(), 'customer', "id", "recorded"(to_jsonb("customers")), "recorded"(to_jsonb("customers")), false
FROM "customers";
