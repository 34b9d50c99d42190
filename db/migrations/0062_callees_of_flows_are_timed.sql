-- A flow goes on when a callee has left, and calls the next one: each was talked with for a time of its own. What an older relay
-- told says neither: its callee was talked with from the call's answer to its end.
DROP FUNCTION "attempts_of"("calls");--> statement-breakpoint
CREATE FUNCTION "attempts_of"("c" "calls") RETURNS TABLE ("position" integer, "provider_id" uuid, "route_id" uuid,
  "started_at" timestamptz, "ended_at" timestamptz, "status" integer, "pdd_ms" integer, "answered" boolean,
  "answered_at" timestamptz, "talked_ms" bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT "nth"::integer, ("told" ->> 'provider_id')::uuid, ("told" ->> 'route_id')::uuid,
    "c"."started_at" + ("told" ->> 'started_ms')::integer * interval '1 millisecond',
    coalesce("c"."started_at" + ("told" ->> 'ended_ms')::integer * interval '1 millisecond', "c"."ended_at"),
    CASE WHEN ("told" ->> 'status')::integer = 0 AND "told" ->> 'decision' IS DISTINCT FROM 'next'
      AND "c"."hangup_reason" IN ('cancel', 'noanswer') THEN coalesce("c"."sip_status", 0) ELSE ("told" ->> 'status')::integer END,
    ("told" ->> 'pdd_ms')::integer, "w"."at" IS NOT NULL, "w"."at",
    CASE WHEN "w"."at" IS NOT NULL THEN
      coalesce(("told" ->> 'talked_ms')::bigint, (extract(epoch FROM "c"."ended_at" - "w"."at") * 1000)::bigint) END
  FROM jsonb_array_elements("c"."attempts") WITH ORDINALITY AS "a" ("told", "nth"),
    LATERAL (SELECT CASE WHEN "c"."answered_at" IS NOT NULL AND ("told" ->> 'status')::integer BETWEEN 200 AND 299 THEN
      coalesce("c"."started_at" + ("told" ->> 'answered_ms')::integer * interval '1 millisecond', "c"."answered_at") END AS "at") AS "w"
  WHERE "told" ->> 'provider_id' IS NOT NULL
$$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "outcomes_of"("c" "calls") RETURNS SETOF "call_outcome" LANGUAGE sql IMMUTABLE AS $$
  WITH "tried" AS (
    SELECT 'provider' AS "kind", "provider_id"::text AS "of", "started_at", "status", "answered", "pdd_ms", "talked_ms", true AS "far" FROM "attempts_of"("c")
    UNION ALL
    SELECT 'route', "route_id"::text, "started_at", "status", "answered", "pdd_ms", "talked_ms", true FROM "attempts_of"("c") WHERE "route_id" IS NOT NULL
    UNION ALL
    SELECT "kind", "of", "c"."started_at", "c"."sip_status", "c"."answered_at" IS NOT NULL,
      CASE WHEN num_nonnulls("c"."ringing_at", "c"."answered_at") > 0 THEN
        least(greatest(extract(epoch FROM least("c"."ringing_at", "c"."answered_at") - "c"."started_at") * 1000, 0), 3600000)::integer END,
      (extract(epoch FROM "c"."ended_at" - "c"."answered_at") * 1000)::bigint, "far"
    FROM (VALUES ('provider', CASE "c"."direction" WHEN 'incoming' THEN "c"."provider_id"::text END, true),
      ('extension', "c"."extension_id"::text, false), ('trunk', "c"."trunk_id"::text, false), ('number', "c"."number_id"::text, true),
      ('country', CASE WHEN "c"."direction" <> 'internal' THEN coalesce("c"."country", '') END, true)) AS "whole" ("kind", "of", "far")
    WHERE "of" IS NOT NULL
  )
  SELECT "c"."customer_id", "c"."relay_id", "c"."direction", "kind", "of", "t"."started_at", "outcome",
    CASE WHEN "outcome" = 'failed' THEN coalesce(nullif("t"."status", 0)::text, CASE WHEN "t"."status" = 0 THEN 'silence' END,
      "c"."hangup_reason"::text, 'unknown') END,
    CASE WHEN "t"."answered" THEN greatest("t"."talked_ms", 0) ELSE 0 END,
    "t"."pdd_ms", ("sound" ->> 'packets')::bigint, ("sound" ->> 'lost')::bigint, CASE WHEN "sound" IS NOT NULL THEN least(("sound" ->> 'jitter_ms')::numeric * 1000, 3600000000)::bigint END
  FROM "tried" AS "t", LATERAL (SELECT "outcome_of"("t"."status", "t"."answered") AS "outcome") AS "o",
    LATERAL (SELECT CASE WHEN "t"."answered" AND "heard" ->> 'packets' <> '0' THEN "heard" END AS "sound" FROM (
      SELECT "c"."media" -> CASE WHEN "t"."far" = ("c"."direction" = 'incoming') THEN 'from_caller' ELSE 'from_callee' END AS "heard") AS "m") AS "s"
$$;
