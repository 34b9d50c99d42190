CREATE INDEX "figures_by_hour" ON "call_figures" USING btree ("hour") WHERE "call_figures"."relay_id" <> '';--> statement-breakpoint
CREATE INDEX "figures_by_day" ON "call_figures" USING btree ("hour") WHERE "call_figures"."relay_id" = '';--> statement-breakpoint
-- Folds hours which are eight days past into days (UTC), of all relays together: so many rows at most, those which nobody else is at.
-- Gives how many were folded.
CREATE FUNCTION "fold_figures"("most" integer) RETURNS bigint LANGUAGE sql AS $$
  WITH "hours" AS (
    DELETE FROM "call_figures" WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM "call_figures" WHERE "hour" < date_trunc('day', now() - interval '8 days', 'UTC') AND "relay_id" <> ''
      ORDER BY "hour" LIMIT "most" FOR UPDATE SKIP LOCKED))
    RETURNING *
  ),
  "days" AS (
    INSERT INTO "call_figures" AS "f" ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id", "attempts", "answered",
      "no_answer", "busy", "cancelled", "declined", "failures", "talked_ms", "pdd", "heard", "packets", "lost", "jitter_us")
    SELECT "customer_id", "kind", date_trunc('day', "hour", 'UTC'), "resource_id", "direction", '', sum("attempts"), sum("answered"),
      sum("no_answer"), sum("busy"), sum("cancelled"), sum("declined"), "sum_counts"("failures"), sum("talked_ms"), "sum_counts"("pdd"),
      sum("heard"), sum("packets"), sum("lost"), sum("jitter_us")
    FROM "hours" GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ("customer_id", "kind", "hour", "resource_id", "direction", "relay_id") DO UPDATE SET
      "attempts" = "f"."attempts" + excluded."attempts", "answered" = "f"."answered" + excluded."answered",
      "no_answer" = "f"."no_answer" + excluded."no_answer", "busy" = "f"."busy" + excluded."busy",
      "cancelled" = "f"."cancelled" + excluded."cancelled", "declined" = "f"."declined" + excluded."declined",
      "failures" = "add_counts"("f"."failures", excluded."failures"), "talked_ms" = "f"."talked_ms" + excluded."talked_ms",
      "pdd" = "add_counts"("f"."pdd", excluded."pdd"), "heard" = "f"."heard" + excluded."heard",
      "packets" = "f"."packets" + excluded."packets", "lost" = "f"."lost" + excluded."lost",
      "jitter_us" = "f"."jitter_us" + excluded."jitter_us"
  )
  SELECT count(*) FROM "hours"
$$;
