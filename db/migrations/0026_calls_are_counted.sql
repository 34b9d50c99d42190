CREATE TABLE "call_figures" (
	"customer_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"hour" timestamp (6) with time zone NOT NULL,
	"resource_id" text NOT NULL,
	"direction" "direction" NOT NULL,
	"relay_id" text NOT NULL,
	"attempts" integer NOT NULL,
	"answered" integer NOT NULL,
	"no_answer" integer NOT NULL,
	"busy" integer NOT NULL,
	"cancelled" integer NOT NULL,
	"declined" integer NOT NULL,
	"failures" jsonb NOT NULL,
	"talked_ms" bigint NOT NULL,
	"pdd" jsonb NOT NULL,
	"heard" integer NOT NULL,
	"packets" bigint NOT NULL,
	"lost" bigint NOT NULL,
	"jitter_us" bigint NOT NULL,
	CONSTRAINT "call_figures_once" PRIMARY KEY("customer_id","kind","hour","resource_id","direction","relay_id")
);
--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "route_id" uuid;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "country" text;--> statement-breakpoint
-- What became of a call, or of an attempt, by its final SIP status; 0 where there was none. What people do is no failure (ITU-T E.425).
CREATE FUNCTION "outcome_of"("status" integer, "answered" boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN "answered" THEN 'answered' WHEN "status" = 480 THEN 'no_answer' WHEN "status" IN (486, 600) THEN 'busy'
    WHEN "status" = 487 THEN 'cancelled' WHEN "status" IN (603, 607) THEN 'declined' ELSE 'failed' END
$$;--> statement-breakpoint
-- Post-dial delays are told apart to a twentieth: bucket n holds what is above 1.05^(n-1) ms, and 1.05^n ms at most.
CREATE FUNCTION "pdd_bucket"("ms" integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT ceil(ln(least(greatest("ms", 1), 3600000)::double precision) / ln(1.05::double precision))::integer
$$;--> statement-breakpoint
-- A call's attempts at providers. One which was given up before anything final came ended with its call: as its caller, or the
-- time it may ring, ended that.
CREATE FUNCTION "attempts_of"("c" "calls") RETURNS TABLE ("position" integer, "provider_id" uuid, "route_id" uuid,
  "started_at" timestamptz, "ended_at" timestamptz, "status" integer, "pdd_ms" integer, "answered" boolean) LANGUAGE sql IMMUTABLE AS $$
  SELECT "nth"::integer, ("told" ->> 'provider_id')::uuid, ("told" ->> 'route_id')::uuid,
    "c"."started_at" + ("told" ->> 'started_ms')::integer * interval '1 millisecond',
    coalesce("c"."started_at" + ("told" ->> 'ended_ms')::integer * interval '1 millisecond', "c"."ended_at"),
    CASE WHEN ("told" ->> 'status')::integer = 0 AND "told" ->> 'decision' IS DISTINCT FROM 'next'
      AND "c"."hangup_reason" IN ('cancel', 'noanswer') THEN coalesce("c"."sip_status", 0) ELSE ("told" ->> 'status')::integer END,
    ("told" ->> 'pdd_ms')::integer,
    "c"."answered_at" IS NOT NULL AND ("told" ->> 'status')::integer BETWEEN 200 AND 299
  FROM jsonb_array_elements("c"."attempts") WITH ORDINALITY AS "a" ("told", "nth")
  WHERE "told" ->> 'provider_id' IS NOT NULL
$$;--> statement-breakpoint
-- What a call counts as for one thing: its provider, its extension, … `code` says which failure, where it is one.
CREATE TYPE "call_outcome" AS ("customer_id" uuid, "relay_id" text, "direction" "direction", "kind" text, "resource_id" text,
  "started_at" timestamptz, "outcome" text, "code" text, "talked_ms" bigint, "pdd_ms" integer, "packets" bigint,
  "lost" bigint, "jitter_us" bigint);--> statement-breakpoint
-- All that a call which is over counts as: once for each attempt at a provider and its route, once for its extension, its trunk, its
-- number and the country of the far one. Sound is that of the side a row is about.
CREATE FUNCTION "outcomes_of"("c" "calls") RETURNS SETOF "call_outcome" LANGUAGE sql IMMUTABLE AS $$
  WITH "tried" AS (
    SELECT 'provider' AS "kind", "provider_id"::text AS "of", "started_at", "status", "answered", "pdd_ms", true AS "far" FROM "attempts_of"("c")
    UNION ALL
    SELECT 'route', "route_id"::text, "started_at", "status", "answered", "pdd_ms", true FROM "attempts_of"("c") WHERE "route_id" IS NOT NULL
    UNION ALL
    SELECT "kind", "of", "c"."started_at", "c"."sip_status", "c"."answered_at" IS NOT NULL,
      (extract(epoch FROM least("c"."ringing_at", "c"."answered_at") - "c"."started_at") * 1000)::integer, "far"
    FROM (VALUES ('provider', CASE "c"."direction" WHEN 'incoming' THEN "c"."provider_id"::text END, true),
      ('extension', "c"."extension_id"::text, false), ('trunk', "c"."trunk_id"::text, false), ('number', "c"."number_id"::text, true),
      ('country', CASE WHEN "c"."direction" <> 'internal' THEN coalesce("c"."country", '') END, true)) AS "whole" ("kind", "of", "far")
    WHERE "of" IS NOT NULL
  )
  SELECT "c"."customer_id", "c"."relay_id", "c"."direction", "kind", "of", "t"."started_at", "outcome",
    CASE WHEN "outcome" = 'failed' THEN coalesce(nullif("t"."status", 0)::text, CASE WHEN "t"."status" = 0 THEN 'silence' END,
      "c"."hangup_reason"::text, 'unknown') END,
    CASE WHEN "t"."answered" THEN greatest(extract(epoch FROM "c"."ended_at" - "c"."answered_at") * 1000, 0)::bigint ELSE 0 END,
    "t"."pdd_ms", ("sound" ->> 'packets')::bigint, ("sound" ->> 'lost')::bigint, (("sound" ->> 'jitter_ms')::numeric * 1000)::bigint
  FROM "tried" AS "t", LATERAL (SELECT "outcome_of"("t"."status", "t"."answered") AS "outcome") AS "o",
    LATERAL (SELECT CASE WHEN "t"."answered" AND "heard" ->> 'packets' <> '0' THEN "heard" END AS "sound" FROM (
      SELECT "c"."media" -> CASE WHEN "t"."far" = ("c"."direction" = 'incoming') THEN 'from_caller' ELSE 'from_callee' END AS "heard") AS "m") AS "s"
$$;--> statement-breakpoint
-- Counts by name, added; what comes to nothing goes.
CREATE FUNCTION "add_counts"("a" jsonb, "b" jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN "b" = '{}' THEN "a" WHEN "a" = '{}' THEN "b" ELSE (
    SELECT coalesce(jsonb_object_agg("name", "count"), '{}') FROM (
      SELECT "name", sum("n"::integer) AS "count" FROM (
        SELECT * FROM jsonb_each_text("a") UNION ALL SELECT * FROM jsonb_each_text("b")) AS "each" ("name", "n")
      GROUP BY "name" HAVING sum("n"::integer) <> 0) AS "added") END
$$;--> statement-breakpoint
CREATE AGGREGATE "sum_counts"(jsonb) (sfunc = "add_counts", stype = jsonb, initcond = '{}');--> statement-breakpoint
-- Adds outcomes to the figures, each so often as its sign says. In the order of the key, so that no two writers wait for each other
-- in a ring.
CREATE FUNCTION "add_figures"("of" "call_outcome"[], "signs" integer[]) RETURNS void LANGUAGE sql AS $$
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
    "jitter_us" = "f"."jitter_us" + excluded."jitter_us"
$$;--> statement-breakpoint
-- Keeps figures up with whatever is written into calls: what a call comes to now is added, what it came to before is taken back. So
-- each counts once, however often and by whom its end is told, and a later word corrects an earlier. One which is deleted stays counted.
CREATE FUNCTION "count_calls"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM "add_figures"(array_agg("o"), array_agg(1)) FROM "new_rows" AS "n", "outcomes_of"("n"::"calls") AS "o"
    WHERE "n"."status" = 'hangup' HAVING count(*) > 0;
  ELSIF EXISTS (SELECT FROM "new_rows" WHERE "status" = 'hangup') OR EXISTS (SELECT FROM "old_rows" WHERE "status" = 'hangup') THEN
    PERFORM "add_figures"(array_agg("outcome"), array_agg("sign")) FROM (
      SELECT "o" AS "outcome", 1 AS "sign" FROM "new_rows" AS "n", "outcomes_of"("n"::"calls") AS "o" WHERE "n"."status" = 'hangup'
      UNION ALL
      SELECT "o", -1 FROM "old_rows" AS "n", "outcomes_of"("n"::"calls") AS "o" WHERE "n"."status" = 'hangup') AS "each"
    HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_insert_counted" AFTER INSERT ON "calls" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "count_calls"();--> statement-breakpoint
CREATE TRIGGER "calls_update_counted" AFTER UPDATE ON "calls" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "count_calls"();
