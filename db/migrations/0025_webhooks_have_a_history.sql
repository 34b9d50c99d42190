-- Who is told of a customer's events is kept in its history as its keys are; how deliveries go is not.
CREATE OR REPLACE FUNCTION "note_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "noun" CONSTANT text := TG_ARGV[0];
  "most" CONSTANT integer := 30000;
  "uncounted" CONSTANT text[] := '{version,found,found_since,failing_since}';
  "was" jsonb[];
  "is" jsonb[];
  "number" bigint;
  "whose" record;
  "last" record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(NULL::jsonb), array_agg(to_jsonb("n")) INTO "was", "is" FROM "new_rows" AS "n";
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(to_jsonb("o")), array_agg(NULL::jsonb) INTO "was", "is" FROM "old_rows" AS "o";
  ELSE
    SELECT array_agg(to_jsonb("o")), array_agg(to_jsonb("n")) INTO "was", "is"
    FROM "old_rows" AS "o" JOIN "new_rows" AS "n" USING ("id")
    WHERE to_jsonb("o") - "uncounted" IS DISTINCT FROM to_jsonb("n") - "uncounted";
  END IF;
  IF "was" IS NULL THEN
    RETURN NULL;
  END IF;
  -- A key or a webhook is no part of what calls are decided by, and raises no number.
  IF "noun" IN ('accesskey', 'webhook') THEN
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
      nullif(current_setting('trunkline.request_id', true), ''),
      CASE WHEN "o" IS NOT NULL THEN "recorded"("o") END, CASE WHEN "n" IS NOT NULL THEN "recorded"("n") END,
      "o" IS NOT NULL AND "n" IS NOT NULL AND "secrets_differ"("o", "n")
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
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "webhooks_in_turn" BEFORE INSERT OR DELETE OR UPDATE OF "name", "detail", "url", "events", "enabled", "sealed_secret", "deleted_at" ON "webhooks"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
CREATE TRIGGER "webhooks_insert_noted" AFTER INSERT ON "webhooks" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('webhook');--> statement-breakpoint
CREATE TRIGGER "webhooks_update_noted" AFTER UPDATE ON "webhooks" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('webhook');--> statement-breakpoint
CREATE TRIGGER "webhooks_delete_noted" AFTER DELETE ON "webhooks" REFERENCING OLD TABLE AS "old_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('webhook');
