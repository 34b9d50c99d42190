-- Whoever puts deliveries behind one which may just be settled, and whoever settles it, do so one after the other, until
-- they commit: the second sees what the first wrote. 256 locks are shared by all lines, since each takes memory; they are
-- taken in one order, and whoever has them waits for no row.
CREATE FUNCTION "lock_delivery_lines"("of_webhooks" uuid[], "of_lines" uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock("key") FROM (
    SELECT DISTINCT hashtextextended('delivery lines ' || left(md5("webhook"::text || "line"::text), 2), 0) AS "key"
    FROM unnest("of_webhooks", "of_lines") AS "pair" ("webhook", "line") ORDER BY "key"
  ) AS "locks";
END
$$;--> statement-breakpoint
-- Puts events into the lines of webhooks, pair by pair; one which waits already stays where it is. Only the first of a line is due.
CREATE OR REPLACE FUNCTION "queue_deliveries"("for_webhooks" uuid[], "for_events" uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE "count" bigint;
BEGIN
  PERFORM "lock_delivery_lines"(array_agg("pair"."w"), array_agg(coalesce("e"."subject_id", "e"."id")))
  FROM unnest("for_webhooks", "for_events") AS "pair" ("w", "e") JOIN "events" AS "e" ON "e"."id" = "pair"."e";
  INSERT INTO "deliveries" ("id", "customer_id", "webhook_id", "event_id", "line", "sequence", "next_try_at")
  SELECT gen_random_uuid(), "customer_id", "webhook_id", "event_id", "line", "sequence",
    CASE WHEN "nth" = 1 AND "enabled" AND NOT EXISTS (
      SELECT FROM "deliveries" AS "d" WHERE "d"."status" = 'waiting' AND "d"."webhook_id" = "new"."webhook_id"
        AND "d"."line" = "new"."line" AND "d"."sequence" < "new"."sequence") THEN now() END
  FROM (
    SELECT "w"."customer_id", "w"."id" AS "webhook_id", "w"."enabled", "e"."id" AS "event_id", "e"."sequence",
      coalesce("e"."subject_id", "e"."id") AS "line",
      row_number() OVER (PARTITION BY "w"."id", coalesce("e"."subject_id", "e"."id") ORDER BY "e"."sequence") AS "nth"
    FROM unnest("for_webhooks", "for_events") AS "pair" ("w", "e")
    JOIN "webhooks" AS "w" ON "w"."id" = "pair"."w" JOIN "events" AS "e" ON "e"."id" = "pair"."e"
  ) AS "new"
  ON CONFLICT ("customer_id", "webhook_id", "event_id") WHERE "status" = 'waiting' DO NOTHING;
  GET DIAGNOSTICS "count" = ROW_COUNT;
  RETURN "count";
END
$$;
