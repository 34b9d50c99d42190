-- A carrier which was passed over before its INVITE went out was not tried: that says nothing of its answers. An older relay does not
-- tell these apart.
CREATE OR REPLACE FUNCTION "attempts_of"("c" "calls") RETURNS TABLE ("position" integer, "provider_id" uuid, "route_id" uuid,
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
  WHERE "told" ->> 'provider_id' IS NOT NULL AND ("told" ->> 'counts')::boolean IS NOT FALSE
$$;
