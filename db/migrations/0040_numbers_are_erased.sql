CREATE TABLE "erasures" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"extension_id" uuid,
	"number" text,
	"name" text,
	"pattern" text,
	"status" text DEFAULT 'running' NOT NULL,
	"phase" text DEFAULT 'calls' NOT NULL,
	"cursor_at" timestamp (6) with time zone DEFAULT '-infinity' NOT NULL,
	"cursor_id" uuid DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	"cursor_number" bigint DEFAULT 0 NOT NULL,
	"counts" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"looked_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp (6) with time zone
);
--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "erased_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "erasures" ADD CONSTRAINT "erasures_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "erasures_running" ON "erasures" USING btree ("looked_at","id") WHERE "erasures"."status" = 'running';--> statement-breakpoint
CREATE INDEX "erasures_customer_id_created_at_id_index" ON "erasures" USING btree ("customer_id","created_at","id");--> statement-breakpoint
-- A document in which whatever is matched stands as "erased".
CREATE FUNCTION "erased"("doc" jsonb, "pattern" text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE jsonb_typeof("doc")
    WHEN 'string' THEN to_jsonb(regexp_replace("doc" #>> '{}', "pattern", 'erased', 'g'))
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg("key", "erased"("value", "pattern")), '{}') FROM jsonb_each("doc"))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg("erased"("value", "pattern") ORDER BY "nth"), '[]') FROM jsonb_array_elements("doc") WITH ORDINALITY AS "e" ("value", "nth"))
    ELSE "doc" END;
END
$$;--> statement-breakpoint
-- The same with some keys, wherever they are, saying nothing any more: where a phone was, and what it was.
CREATE FUNCTION "erased_keys"("doc" jsonb, "keys" text[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE jsonb_typeof("doc")
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg("key", CASE WHEN "key" = ANY ("keys") AND jsonb_typeof("value") = 'string'
      THEN to_jsonb('erased'::text) ELSE "erased_keys"("value", "keys") END), '{}') FROM jsonb_each("doc"))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg("erased_keys"("value", "keys") ORDER BY "nth"), '[]') FROM jsonb_array_elements("doc") WITH ORDINALITY AS "e" ("value", "nth"))
    ELSE "doc" END;
END
$$;--> statement-breakpoint
-- What was erased from a call no later word of its relay brings back. It was over: only its last totals are passed over.
CREATE FUNCTION "keep_erased"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_stay_erased" BEFORE UPDATE ON "calls" FOR EACH ROW
  WHEN (OLD."erased_at" IS NOT NULL AND NEW."erased_at" IS NOT DISTINCT FROM OLD."erased_at") EXECUTE FUNCTION "keep_erased"();--> statement-breakpoint
-- One step of the erasure which has waited longest and which no other Worker is at: so many records are looked at. Gives how many; none
-- where there is nothing to do, or a call goes on which is to be erased when it is over.
CREATE FUNCTION "erase_step"("most" integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  "e" "erasures";
  "row" record;
  "seen" integer := 0;
  "hits" integer := 0;
  "more" integer;
  "places" CONSTANT text[] := '{address,sdp_address,latched_address,contact,source,source_address,user_agent,received}';
BEGIN
  SELECT * INTO "e" FROM "erasures" WHERE "status" = 'running' ORDER BY "looked_at", "id" LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  IF "e"."phase" = 'calls' THEN
    FOR "row" IN
      SELECT "c"."id", "c"."started_at", "c"."status", CASE WHEN "e"."extension_id" IS NULL
        THEN concat("c"."source", "c"."destination", "c"."attempts", "c"."decision", "c"."reject_message") ~ "e"."pattern"
        ELSE "c"."extension_id" = "e"."extension_id" OR "c"."source" @> jsonb_build_object('type', 'extension', 'target', "e"."name")
          OR "c"."destination" @> jsonb_build_object('type', 'extension', 'target', "e"."name") END AS "matches"
      FROM "calls" AS "c"
      WHERE "c"."customer_id" = "e"."customer_id" AND "c"."started_at" <= "e"."created_at"
        AND ("c"."started_at", "c"."id") > ("e"."cursor_at", "e"."cursor_id")
      ORDER BY "c"."started_at", "c"."id" LIMIT "most"
    LOOP
      IF "row"."matches" AND "row"."status" <> 'hangup' THEN
        UPDATE "erasures" SET "cursor_at" = "e"."cursor_at", "cursor_id" = "e"."cursor_id", "looked_at" = clock_timestamp(),
          "counts" = "add_counts"("counts", jsonb_build_object('calls', "hits")) WHERE "id" = "e"."id";
        RETURN "seen";
      END IF;
      IF "row"."matches" THEN
        UPDATE "calls" SET "erased_at" = clock_timestamp(), "sip_call_id" = 'erased',
          "source" = "erased"("source", "e"."pattern"), "destination" = "erased"("destination", "e"."pattern"),
          "attempts" = "erased"(CASE WHEN "e"."extension_id" IS NULL THEN "attempts" ELSE (
            SELECT coalesce(jsonb_agg(CASE WHEN "a" ->> 'provider_id' IS NULL THEN "erased_keys"("a", "places") ELSE "a" END ORDER BY "nth"), '[]')
            FROM jsonb_array_elements("attempts") WITH ORDINALITY AS "t" ("a", "nth")) END, "e"."pattern"),
          "media" = CASE WHEN "e"."extension_id" IS NULL THEN "media" ELSE "erased_keys"("media", "places") END,
          "decision" = "erased"("decision", "e"."pattern"), "reject_message" = regexp_replace("reject_message", "e"."pattern", 'erased', 'g')
        WHERE "id" = "row"."id";
        "hits" := "hits" + 1;
      END IF;
      "e"."cursor_at" := "row"."started_at";
      "e"."cursor_id" := "row"."id";
      "seen" := "seen" + 1;
    END LOOP;
    UPDATE "erasures" SET "cursor_at" = "e"."cursor_at", "cursor_id" = "e"."cursor_id", "looked_at" = clock_timestamp(),
      "phase" = CASE WHEN "seen" < "most" THEN 'events' ELSE 'calls' END,
      "counts" = "add_counts"("counts", jsonb_build_object('calls', "hits")) WHERE "id" = "e"."id";
    RETURN greatest("seen", 1);
  ELSIF "e"."phase" = 'events' THEN
    FOR "row" IN
      SELECT "v"."id", "v"."sequence", ("v"."at" <= "e"."created_at" OR "c"."erased_at" IS NOT NULL) AND CASE WHEN "e"."extension_id" IS NULL
        THEN "v"."data"::text ~ "e"."pattern"
        ELSE "v"."subject_id" = "e"."extension_id" OR strpos("v"."data"::text, "e"."extension_id"::text) > 0
          OR ("c"."erased_at" >= "e"."created_at" AND "v"."data"::text ~ "e"."pattern") END AS "matches"
      FROM "events" AS "v" LEFT JOIN "calls" AS "c" ON "c"."id" = "v"."subject_id"
      WHERE coalesce("v"."customer_id", '00000000-0000-0000-0000-000000000001'::uuid) = "e"."customer_id" AND "v"."sequence" > "e"."cursor_number"
      ORDER BY "v"."sequence" LIMIT "most"
    LOOP
      IF "row"."matches" THEN
        UPDATE "events" SET "data" = "erased"(CASE WHEN "e"."extension_id" IS NULL THEN "data" ELSE "erased_keys"("data", "places") END, "e"."pattern")
        WHERE "id" = "row"."id";
        UPDATE "deliveries" SET "response_body" = NULL WHERE "event_id" = "row"."id" AND "response_body" IS NOT NULL;
        "hits" := "hits" + 1;
      END IF;
      "e"."cursor_number" := "row"."sequence";
      "seen" := "seen" + 1;
    END LOOP;
    UPDATE "erasures" SET "cursor_number" = "e"."cursor_number", "looked_at" = clock_timestamp(),
      "phase" = CASE WHEN "seen" < "most" THEN 'rest' ELSE 'events' END,
      "counts" = "add_counts"("counts", jsonb_build_object('events', "hits")) WHERE "id" = "e"."id";
    RETURN greatest("seen", 1);
  END IF;
  UPDATE "bindings" SET "contact" = 'erased', "address" = 'erased', "user_agent" = 'erased', "call_id" = 'erased', "path" = '{}'
  WHERE "customer_id" = "e"."customer_id" AND "extension_id" = "e"."extension_id" AND "contact" <> 'erased'
    AND ("event" NOT IN ('registered', 'refreshed') OR "expires_at" < now());
  GET DIAGNOSTICS "hits" = ROW_COUNT;
  UPDATE "commands" SET "body" = "erased"("body", "e"."pattern"), "result" = "erased"("result", "e"."pattern")
  WHERE "customer_id" = "e"."customer_id" AND "e"."extension_id" IS NULL AND "created_at" <= "e"."created_at" AND concat("body", "result") ~ "e"."pattern";
  GET DIAGNOSTICS "more" = ROW_COUNT;
  UPDATE "erasures" SET "status" = 'completed', "completed_at" = now(), "number" = NULL, "name" = NULL, "pattern" = NULL,
    "counts" = "counts" || jsonb_build_object('registrations', "hits", 'commands', "more") WHERE "id" = "e"."id";
  RETURN 1;
END
$$;
