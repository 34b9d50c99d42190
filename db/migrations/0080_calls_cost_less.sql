-- In the order in which calls are stored: whoever stores some just now is waited for, and waits for nothing here.
LOCK TABLE "calls", "events" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
-- Events of many calls or phones are written as their transaction commits: once, with their numbers. Until then they lie in a row
-- which no other transaction ever sees, and no log has.
CREATE TYPE "written_event" AS ("id" uuid, "customer_id" uuid, "type" text, "at" timestamptz, "relay_id" text, "subject_id" uuid,
  "data" jsonb);--> statement-breakpoint
CREATE UNLOGGED TABLE "event_batches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	"events" "written_event"[] NOT NULL
);
--> statement-breakpoint
ALTER TABLE "event_batches" ALTER COLUMN "events" SET STORAGE EXTERNAL;--> statement-breakpoint
-- As "number_events" does it: each customer's counter is held until the transaction has committed, and counters are the last that it
-- takes, in the same order.
CREATE FUNCTION "write_event_batch"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "batch" CONSTANT "written_event"[] := NEW."events";
  "numbered" uuid[];
BEGIN
  DELETE FROM "event_batches" WHERE "id" = NEW."id";
  INSERT INTO "event_counters" AS "c" ("customer_id", "last")
  SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner", count(DISTINCT "id") FROM unnest("batch")
  GROUP BY "owner" ORDER BY "owner"
  ON CONFLICT ("customer_id") DO UPDATE SET "last" = "c"."last" + excluded."last";
  -- Nobody else numbers events of these customers now: what is not there is new.
  WITH "told" AS (
    SELECT DISTINCT ON ("id") *, coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner"
    FROM unnest("batch") WITH ORDINALITY AS "t" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "nth")
    ORDER BY "id", "nth"
  ),
  "counted" AS (
    SELECT *, count(*) OVER (PARTITION BY "owner") AS "asked", (SELECT true FROM "events" WHERE "events"."id" = "told"."id") AS "known"
    FROM "told"
  ),
  "given" AS (
    INSERT INTO "events" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "sequence")
    SELECT "id", "fresh"."customer_id", "type", "at", "relay_id", "subject_id", "data",
      "c"."last" - "asked" + row_number() OVER (PARTITION BY "owner" ORDER BY "nth")
    FROM "counted" AS "fresh" JOIN "event_counters" AS "c" ON "c"."customer_id" = "owner"
    WHERE "known" IS NULL ORDER BY "nth"
    RETURNING "id"
  )
  SELECT coalesce(array_agg("id"), '{}') INTO "numbered" FROM "given";
  -- What had been told before took no number.
  IF cardinality("numbered") < (SELECT count(DISTINCT "id") FROM unnest("batch")) THEN
    UPDATE "event_counters" AS "c" SET "last" = "c"."last" - "known"."count" FROM (
      SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner", count(DISTINCT "id") AS "count"
      FROM unnest("batch") WHERE "id" <> ALL ("numbered") GROUP BY "owner") AS "known"
    WHERE "c"."customer_id" = "known"."owner";
  END IF;
  -- Of a call which was to be erased, and was as it came, nothing is told either.
  IF EXISTS (SELECT FROM "erasures" WHERE "pattern" IS NOT NULL AND "customer_id" IN (SELECT "customer_id" FROM unnest("batch"))) THEN
    PERFORM "erase_event"("e", "v"."id")
    FROM unnest("numbered") AS "told" ("told_id"), LATERAL (SELECT * FROM "events" WHERE "events"."id" = "told_id" OFFSET 0) AS "v",
      LATERAL (SELECT * FROM "calls" WHERE "calls"."id" = "v"."subject_id" AND "erased_at" IS NOT NULL OFFSET 0) AS "c"
      JOIN "erasures" AS "e" ON "e"."customer_id" = "c"."customer_id" AND "e"."pattern" IS NOT NULL AND "e"."created_at" >= "c"."started_at"
    WHERE "e"."extension_id" IS NULL OR strpos("v"."data"::text, "e"."extension_id"::text) > 0 OR "v"."data"::text ~ "e"."pattern";
  END IF;
  IF EXISTS (SELECT FROM "webhooks" WHERE "enabled" AND "deleted_at" IS NULL AND "customer_id" IN (
      SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001') FROM unnest("batch"))) THEN
    PERFORM "deliver_events"("numbered");
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE CONSTRAINT TRIGGER "event_batch_written" AFTER INSERT ON "event_batches" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION "write_event_batch"();--> statement-breakpoint
DROP TRIGGER "events_numbered" ON "events";--> statement-breakpoint
CREATE CONSTRAINT TRIGGER "events_numbered" AFTER INSERT ON "events" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."sequence" IS NULL) EXECUTE FUNCTION "number_events"();--> statement-breakpoint
-- Whether an alert waits for what happened to calls is asked once for all which a statement wrote.
CREATE FUNCTION "feed_alerts_with_calls"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM "alerts" WHERE "customer_id" IN (SELECT "customer_id" FROM "new_rows") AND "enabled"
    AND "deleted_at" IS NULL AND "fed_by" && '{call_began,call_ended,call_heard}') THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at")
    SELECT "n"."customer_id", "fact"."type", "n"."id", now() FROM "new_rows" AS "n", LATERAL (VALUES
      ('call_began', "n"."direction" = 'outgoing'), ('call_ended', "n"."status" = 'hangup'),
      ('call_heard', "n"."status" = 'hangup' AND "n"."media" IS NOT NULL)) AS "fact" ("type", "is")
    WHERE "fact"."is" AND EXISTS (SELECT FROM "alerts" AS "a" WHERE "a"."customer_id" = "n"."customer_id"
      AND "a"."enabled" AND "a"."deleted_at" IS NULL AND "fact"."type" = ANY ("a"."fed_by"));
  ELSE
    -- The last word on its sound comes with its end, or after it.
    INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at")
    SELECT "n"."customer_id", "fact"."type", "n"."id", now()
    FROM "new_rows" AS "n" JOIN "old_rows" AS "o" USING ("id"), LATERAL (VALUES
      ('call_ended', "o"."status" <> 'hangup'),
      ('call_heard', "n"."media" IS NOT NULL AND ("o"."status" <> 'hangup' OR "o"."media" IS NULL))) AS "fact" ("type", "is")
    WHERE "n"."status" = 'hangup' AND "fact"."is" AND EXISTS (SELECT FROM "alerts" AS "a" WHERE "a"."customer_id" = "n"."customer_id"
      AND "a"."enabled" AND "a"."deleted_at" IS NULL AND "fact"."type" = ANY ("a"."fed_by"));
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
DROP TRIGGER "calls_feed_alerts_as_they_begin" ON "calls";--> statement-breakpoint
DROP TRIGGER "calls_feed_alerts_told_over" ON "calls";--> statement-breakpoint
DROP TRIGGER "calls_feed_alerts_as_they_end" ON "calls";--> statement-breakpoint
DROP TRIGGER "calls_feed_alerts_told_with_sound" ON "calls";--> statement-breakpoint
DROP TRIGGER "calls_feed_alerts_with_sound" ON "calls";--> statement-breakpoint
CREATE TRIGGER "calls_insert_feeds_alerts" AFTER INSERT ON "calls" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "feed_alerts_with_calls"();--> statement-breakpoint
CREATE TRIGGER "calls_update_feeds_alerts" AFTER UPDATE ON "calls" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "feed_alerts_with_calls"();--> statement-breakpoint
-- Counts by name, added; what comes to nothing goes. Mostly one name is added to many, or many to none.
CREATE OR REPLACE FUNCTION "add_counts"("a" jsonb, "b" jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  "name" text;
  "count" integer;
BEGIN
  IF "b" = '{}' THEN
    RETURN "a";
  ELSIF "a" = '{}' THEN
    RETURN "b";
  END IF;
  "name" := jsonb_path_query_first("b", '$.keyvalue().key') #>> '{}';
  IF "b" - "name" = '{}' THEN
    "count" := coalesce(("a" ->> "name")::integer, 0) + ("b" ->> "name")::integer;
    RETURN CASE WHEN "count" = 0 THEN "a" - "name" ELSE "a" || jsonb_build_object("name", "count") END;
  END IF;
  RETURN (SELECT coalesce(jsonb_object_agg("key", "sum"), '{}') FROM (
    SELECT "key", sum("value"::integer) AS "sum" FROM (
      SELECT * FROM jsonb_each_text("a") UNION ALL SELECT * FROM jsonb_each_text("b")) AS "each" ("key", "value")
    GROUP BY "key" HAVING sum("value"::integer) <> 0) AS "added");
END
$$;--> statement-breakpoint
-- Records are packed faster where PostgreSQL was built for it, and take no more room.
DO $$
BEGIN
  ALTER TABLE "calls" ALTER COLUMN "attempts" SET COMPRESSION lz4, ALTER COLUMN "media" SET COMPRESSION lz4,
    ALTER COLUMN "decision" SET COMPRESSION lz4, ALTER COLUMN "flow" SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END
$$;
