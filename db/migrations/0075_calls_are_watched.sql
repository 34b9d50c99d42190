CREATE TABLE "listeners" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"listened_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "listeners" ADD CONSTRAINT "listeners_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- Counts by name are made of groups, not put together one by one: each batch of calls has few names and many calls.
CREATE OR REPLACE FUNCTION "add_figures"("of" "call_outcome"[], "signs" integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH "each" AS MATERIALIZED (
    SELECT *, date_trunc('hour', "started_at", 'UTC') AS "hour", CASE WHEN "pdd_ms" IS NOT NULL THEN "pdd_bucket"("pdd_ms")::text END AS "bucket"
    FROM unnest("of", "signs") AS "o" ("customer_id", "relay_id", "direction", "kind", "resource_id", "started_at", "outcome", "code",
      "talked_ms", "pdd_ms", "packets", "lost", "jitter_us", "sign")
  ),
  "named" AS (
    SELECT "customer_id", "kind", "hour", "resource_id", "direction", "relay_id",
      coalesce(jsonb_object_agg("code", "n") FILTER (WHERE "code" IS NOT NULL), '{}') AS "failures",
      coalesce(jsonb_object_agg("bucket", "n") FILTER (WHERE "bucket" IS NOT NULL), '{}') AS "pdd"
    FROM (
      SELECT "customer_id", "kind", "hour", "resource_id", "direction", "relay_id", "code", "bucket", sum("sign")::integer AS "n"
      FROM "each" GROUP BY GROUPING SETS ((1, 2, 3, 4, 5, 6, "code"), (1, 2, 3, 4, 5, 6, "bucket")) HAVING sum("sign") <> 0) AS "counted"
    GROUP BY 1, 2, 3, 4, 5, 6
  ),
  "sums" AS (
    SELECT "customer_id", "kind", "hour", "resource_id", "direction", "relay_id",
      sum("sign")::integer AS "attempts",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'answered'), 0)::integer AS "answered",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'no_answer'), 0)::integer AS "no_answer",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'busy'), 0)::integer AS "busy",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'cancelled'), 0)::integer AS "cancelled",
      coalesce(sum("sign") FILTER (WHERE "outcome" = 'declined'), 0)::integer AS "declined",
      sum("sign" * "talked_ms")::bigint AS "talked_ms",
      coalesce(sum("sign") FILTER (WHERE "packets" IS NOT NULL), 0)::integer AS "heard",
      coalesce(sum("sign" * "packets"), 0)::bigint AS "packets", coalesce(sum("sign" * "lost"), 0)::bigint AS "lost",
      coalesce(sum("sign" * "jitter_us"), 0)::bigint AS "jitter_us"
    FROM "each" GROUP BY 1, 2, 3, 4, 5, 6
  )
  INSERT INTO "call_figures" AS "f" ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id", "attempts", "answered",
    "no_answer", "busy", "cancelled", "declined", "failures", "talked_ms", "pdd", "heard", "packets", "lost", "jitter_us")
  SELECT "customer_id", "kind", "hour", "resource_id", "direction", "relay_id", "attempts", "answered", "no_answer", "busy", "cancelled",
    "declined", coalesce("failures", '{}'), "talked_ms", coalesce("pdd", '{}'), "heard", "packets", "lost", "jitter_us"
  FROM "sums" LEFT JOIN "named" USING ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id")
  WHERE ("attempts", "answered", "no_answer", "busy", "cancelled", "declined", coalesce("failures", '{}'), "talked_ms",
    coalesce("pdd", '{}'), "heard", "packets", "lost", "jitter_us") IS DISTINCT FROM (0, 0, 0, 0, 0, 0, '{}'::jsonb, 0, '{}'::jsonb, 0, 0, 0, 0)
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
$$;
