-- A call which nobody heard ring has no post-dial delay: greatest() and least() pass over what is null.
CREATE OR REPLACE FUNCTION "outcomes_of"("c" "calls") RETURNS SETOF "call_outcome" LANGUAGE sql IMMUTABLE AS $$
  WITH "tried" AS (
    SELECT 'provider' AS "kind", "provider_id"::text AS "of", "started_at", "status", "answered", "pdd_ms", true AS "far" FROM "attempts_of"("c")
    UNION ALL
    SELECT 'route', "route_id"::text, "started_at", "status", "answered", "pdd_ms", true FROM "attempts_of"("c") WHERE "route_id" IS NOT NULL
    UNION ALL
    SELECT "kind", "of", "c"."started_at", "c"."sip_status", "c"."answered_at" IS NOT NULL,
      CASE WHEN num_nonnulls("c"."ringing_at", "c"."answered_at") > 0 THEN
        least(greatest(extract(epoch FROM least("c"."ringing_at", "c"."answered_at") - "c"."started_at") * 1000, 0), 3600000)::integer END, "far"
    FROM (VALUES ('provider', CASE "c"."direction" WHEN 'incoming' THEN "c"."provider_id"::text END, true),
      ('extension', "c"."extension_id"::text, false), ('trunk', "c"."trunk_id"::text, false), ('number', "c"."number_id"::text, true),
      ('country', CASE WHEN "c"."direction" <> 'internal' THEN coalesce("c"."country", '') END, true)) AS "whole" ("kind", "of", "far")
    WHERE "of" IS NOT NULL
  )
  SELECT "c"."customer_id", "c"."relay_id", "c"."direction", "kind", "of", "t"."started_at", "outcome",
    CASE WHEN "outcome" = 'failed' THEN coalesce(nullif("t"."status", 0)::text, CASE WHEN "t"."status" = 0 THEN 'silence' END,
      "c"."hangup_reason"::text, 'unknown') END,
    CASE WHEN "t"."answered" THEN greatest(extract(epoch FROM "c"."ended_at" - "c"."answered_at") * 1000, 0)::bigint ELSE 0 END,
    "t"."pdd_ms", ("sound" ->> 'packets')::bigint, ("sound" ->> 'lost')::bigint, CASE WHEN "sound" IS NOT NULL THEN least(("sound" ->> 'jitter_ms')::numeric * 1000, 3600000000)::bigint END
  FROM "tried" AS "t", LATERAL (SELECT "outcome_of"("t"."status", "t"."answered") AS "outcome") AS "o",
    LATERAL (SELECT CASE WHEN "t"."answered" AND "heard" ->> 'packets' <> '0' THEN "heard" END AS "sound" FROM (
      SELECT "c"."media" -> CASE WHEN "t"."far" = ("c"."direction" = 'incoming') THEN 'from_caller' ELSE 'from_callee' END AS "heard") AS "m") AS "s"
$$;
