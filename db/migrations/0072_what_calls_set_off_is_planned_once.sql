-- Whether an alert waits is asked of each call, binding and event. A function in SQL is begun anew each time it is asked; a
-- condition of the trigger's own keeps its plan.
CREATE OR REPLACE FUNCTION "feed_alerts"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "alerts" WHERE "customer_id" = NEW."customer_id" AND "enabled" AND "deleted_at" IS NULL
    AND TG_ARGV[0] = ANY ("fed_by")) THEN
    INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at")
    VALUES (NEW."customer_id", TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::uuid, now());
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "feed_alerts_with_events"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at", "data")
  SELECT "whose", "type", "subject_id", "at", "data"
  FROM (SELECT *, coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "whose" FROM "new_rows") AS "e"
  WHERE EXISTS (SELECT FROM "alerts" AS "a" WHERE "a"."customer_id" = "whose" AND "a"."enabled" AND "a"."deleted_at" IS NULL
    AND "e"."type" = ANY ("a"."fed_by"));
  RETURN NULL;
END
$$;--> statement-breakpoint
DROP FUNCTION "alerts_wait_for";--> statement-breakpoint
-- So it is with the figures, which each batch of calls adds to: planned once for a connection, not once for a batch.
CREATE OR REPLACE FUNCTION "add_figures"("of" "call_outcome"[], "signs" integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "call_figures" AS "f" ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id", "attempts", "answered",
    "no_answer", "busy", "cancelled", "declined", "failures", "talked_ms", "pdd", "heard", "packets", "lost", "jitter_us")
  SELECT * FROM (
    SELECT "customer_id", "kind", date_trunc('hour', "started_at", 'UTC') AS "hour", "resource_id", "direction", "relay_id",
      sum("sign")::integer AS "attempts",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'answered'), 0)::integer AS "answered",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'no_answer'), 0)::integer AS "no_answer",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'busy'), 0)::integer AS "busy",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'cancelled'), 0)::integer AS "cancelled",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'declined'), 0)::integer AS "declined",
      coalesce("sum_counts"(jsonb_build_object("code", "sign")) FILTER (WHERE "code" IS NOT NULL), '{}') AS "failures",
      sum("sign" * "talked_ms")::bigint AS "talked_ms",
      coalesce("sum_counts"(jsonb_build_object("pdd_bucket"("pdd_ms"), "sign")) FILTER (WHERE "pdd_ms" IS NOT NULL), '{}') AS "pdd",
      coalesce(sum("sign") FILTER (WHERE "packets" IS NOT NULL), 0)::integer AS "heard",
      coalesce(sum("sign" * "packets"), 0)::bigint AS "packets", coalesce(sum("sign" * "lost"), 0)::bigint AS "lost",
      coalesce(sum("sign" * "jitter_us"), 0)::bigint AS "jitter_us"
    FROM unnest("of", "signs") AS "o" ("customer_id", "relay_id", "direction", "kind", "resource_id", "started_at", "outcome", "code",
      "talked_ms", "pdd_ms", "packets", "lost", "jitter_us", "sign")
    GROUP BY 1, 2, 3, 4, 5, 6) AS "sums"
  WHERE ("attempts", "answered", "no_answer", "busy", "cancelled", "declined", "failures", "talked_ms", "pdd", "heard", "packets",
    "lost", "jitter_us") IS DISTINCT FROM (0, 0, 0, 0, 0, 0, '{}'::jsonb, 0, '{}'::jsonb, 0, 0, 0, 0)
  ORDER BY 1, 2, 3, 4, 5, 6
  ON CONFLICT ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id") DO UPDATE SET
    "attempts" = "f"."attempts" + excluded."attempts", "answered" = "f"."answered" + excluded."answered",
    "no_answer" = "f"."no_answer" + excluded."no_answer", "busy" = "f"."busy" + excluded."busy",
    "cancelled" = "f"."cancelled" + excluded."cancelled", "declined" = "f"."declined" + excluded."declined",
    "failures" = "add_counts"("f"."failures", excluded."failures"),
    "talked_ms" = "f"."talked_ms" + excluded."talked_ms", "pdd" = "add_counts"("f"."pdd", excluded."pdd"),
    "heard" = "f"."heard" + excluded."heard", "packets" = "f"."packets" + excluded."packets", "lost" = "f"."lost" + excluded."lost",
    "jitter_us" = "f"."jitter_us" + excluded."jitter_us";
END
$$;--> statement-breakpoint
-- Most of what is added is added to nothing.
CREATE OR REPLACE FUNCTION "add_counts"("a" jsonb, "b" jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF "b" = '{}' THEN
    RETURN "a";
  ELSIF "a" = '{}' THEN
    RETURN "b";
  END IF;
  RETURN (SELECT coalesce(jsonb_object_agg("name", "count"), '{}') FROM (
    SELECT "name", sum("n"::integer) AS "count" FROM (
      SELECT * FROM jsonb_each_text("a") UNION ALL SELECT * FROM jsonb_each_text("b")) AS "each" ("name", "n")
    GROUP BY "name" HAVING sum("n"::integer) <> 0) AS "added");
END
$$;
