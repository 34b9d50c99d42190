-- In the order in which calls are stored, and told of: whoever stores some just now is waited for, and waits for nothing here.
LOCK TABLE "customers", "events" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
-- The customer was looked up for each event in the statement which tells of it, and customers are never taken away.
ALTER TABLE "events" DROP CONSTRAINT "events_customer_id_customers_id_fk";--> statement-breakpoint
-- Nearly always all events of a batch are new, and none is there twice: they are written as if that were so, and where their key says
-- that it is not, looked through. In either case each customer's counter is held until the transaction has committed, and counters are
-- the last that it takes, in the same order.
CREATE OR REPLACE FUNCTION "write_event_batch"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "batch" CONSTANT "written_event"[] := NEW."events";
  "numbered" uuid[];
BEGIN
  DELETE FROM "event_batches" WHERE "id" = NEW."id";
  INSERT INTO "event_counters" AS "c" ("customer_id", "last")
  SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner", count(*) FROM unnest("batch")
  GROUP BY "owner" ORDER BY "owner"
  ON CONFLICT ("customer_id") DO UPDATE SET "last" = "c"."last" + excluded."last";
  BEGIN
    INSERT INTO "events" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "sequence")
    SELECT "id", "told"."customer_id", "type", "at", "relay_id", "subject_id", "data",
      "c"."last" - count(*) OVER "of_owner" + row_number() OVER ("of_owner" ORDER BY "nth")
    FROM unnest("batch") WITH ORDINALITY AS "told" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "nth")
    JOIN "event_counters" AS "c" ON "c"."customer_id" = coalesce("told"."customer_id", '00000000-0000-0000-0000-000000000001')
    WINDOW "of_owner" AS (PARTITION BY "c"."customer_id");
    "numbered" := ARRAY(SELECT "id" FROM unnest("batch"));
  EXCEPTION WHEN unique_violation THEN
    -- Nobody else numbers events of these customers now: what is not there is new.
    WITH "told" AS (
      SELECT DISTINCT ON ("id") * FROM (
        SELECT *, coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner",
          count(*) OVER (PARTITION BY coalesce("customer_id", '00000000-0000-0000-0000-000000000001')) AS "asked"
        FROM unnest("batch") WITH ORDINALITY AS "t" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "nth")) AS "all"
      ORDER BY "id", "nth"
    ),
    "given" AS (
      INSERT INTO "events" ("id", "customer_id", "type", "at", "relay_id", "subject_id", "data", "sequence")
      SELECT "id", "told"."customer_id", "type", "at", "relay_id", "subject_id", "data",
        "c"."last" - "asked" + row_number() OVER (PARTITION BY "owner" ORDER BY "nth")
      FROM "told" JOIN "event_counters" AS "c" ON "c"."customer_id" = "owner"
      WHERE NOT EXISTS (SELECT FROM "events" WHERE "events"."id" = "told"."id") ORDER BY "nth"
      RETURNING "id"
    )
    SELECT coalesce(array_agg("id"), '{}') INTO "numbered" FROM "given";
    -- What had been told before, or is told twice, took no number.
    UPDATE "event_counters" AS "c" SET "last" = "c"."last" - "spared"."count" FROM (
      SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner",
        count(*) - count(DISTINCT "id") FILTER (WHERE "id" = ANY ("numbered")) AS "count"
      FROM unnest("batch") GROUP BY "owner") AS "spared"
    WHERE "c"."customer_id" = "spared"."owner" AND "spared"."count" > 0;
  END;
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
$$;
