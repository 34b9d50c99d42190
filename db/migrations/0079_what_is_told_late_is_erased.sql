ALTER TABLE "calls" ADD COLUMN "erase_when_over" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "erasures_done" ON "erasures" USING btree ("completed_at") WHERE "erasures"."pattern" is not null and "erasures"."status" = 'completed';--> statement-breakpoint
-- Whether an erasure is about a call.
CREATE FUNCTION "erases"("e" "erasures", "c" "calls") RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce(CASE WHEN "e"."extension_id" IS NULL
    THEN concat("c"."source", "c"."destination", "c"."attempts", "c"."decision", "c"."flow", "c"."reject_message") ~ "e"."pattern"
    ELSE "c"."extension_id" = "e"."extension_id" OR "c"."source" @> jsonb_build_object('type', 'extension', 'target', "e"."name")
      OR "c"."destination" @> jsonb_build_object('type', 'extension', 'target', "e"."name") END, false);
END
$$;--> statement-breakpoint
-- Where a phone was, and what it was, as calls and events name it.
CREATE FUNCTION "erased_places"() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT '{address,sdp_address,sdp_origin,contact_address,via_address,message,latched_address,contact,source,source_address,user_agent,received}'::text[]
$$;--> statement-breakpoint
CREATE FUNCTION "erase_call"("e" "erasures", "of" uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "calls" SET "erased_at" = clock_timestamp(), "sip_call_id" = 'erased',
    "source" = "erased"("source", "e"."pattern"), "destination" = "erased"("destination", "e"."pattern"),
    "attempts" = "erased"(CASE WHEN "e"."extension_id" IS NULL THEN "attempts" ELSE (
      SELECT coalesce(jsonb_agg(CASE WHEN "a" ->> 'provider_id' IS NULL THEN "erased_keys"("a", "erased_places"()) ELSE "a" END ORDER BY "nth"), '[]')
      FROM jsonb_array_elements("attempts") WITH ORDINALITY AS "t" ("a", "nth")) END, "e"."pattern"),
    "media" = CASE WHEN "e"."extension_id" IS NULL THEN "media" ELSE "erased_keys"("media", "erased_places"()) END,
    "decision" = "erased"("decision", "e"."pattern"), "flow" = "erased"("flow", "e"."pattern"),
    "reject_message" = regexp_replace("reject_message", "e"."pattern", 'erased', 'g')
  WHERE "id" = "of";
END
$$;--> statement-breakpoint
CREATE FUNCTION "erase_event"("e" "erasures", "of" uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "events" SET "data" = "erased"(CASE WHEN "e"."extension_id" IS NULL THEN "data" ELSE "erased_keys"("data", "erased_places"()) END, "e"."pattern")
  WHERE "id" = "of";
  UPDATE "deliveries" SET "response_body" = NULL WHERE "event_id" = "of" AND "response_body" IS NOT NULL;
END
$$;--> statement-breakpoint
-- One step of the erasure which has waited longest and which no other Worker is at: so many records are looked at. Gives how many; none
-- where there is nothing to do, or a call goes on which is to be erased when it is over. What it looks for is kept when it is done: relays
-- may have been away, and tell of it later.
CREATE OR REPLACE FUNCTION "erase_step"("most" integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  "e" "erasures";
  "row" record;
  "seen" integer := 0;
  "hits" integer := 0;
  "more" integer;
BEGIN
  SELECT * INTO "e" FROM "erasures" WHERE "status" = 'running' AND "created_at" <= now() - interval '3 seconds'
    ORDER BY "looked_at", "id" LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  IF "e"."phase" = 'calls' THEN
    FOR "row" IN
      SELECT "c"."id", "c"."started_at", "c"."status", "erases"("e", "c") AS "matches" FROM "calls" AS "c"
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
        PERFORM "erase_call"("e", "row"."id");
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
        PERFORM "erase_event"("e", "row"."id");
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
  UPDATE "erasures" SET "status" = 'completed', "completed_at" = now(), "number" = NULL,
    "counts" = "counts" || jsonb_build_object('registrations', "hits", 'commands', "more") WHERE "id" = "e"."id";
  RETURN 1;
END
$$;--> statement-breakpoint
-- A call which began before something was to be erased, and is told after that: erased as it comes, or else when it is over. No lock of the
-- erasure is taken, at which a step may be that waits for the call; to one which has yet to begin the call is left.
CREATE FUNCTION "erase_late_call"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "e" "erasures";
BEGIN
  FOR "e" IN SELECT * FROM "erasures" AS "x" WHERE "x"."customer_id" = NEW."customer_id" AND "x"."created_at" >= NEW."started_at"
    AND "x"."pattern" IS NOT NULL AND ("x"."status" = 'completed' OR "x"."created_at" < now() - interval '2 seconds') ORDER BY "x"."created_at", "x"."id"
  LOOP
    CONTINUE WHEN NOT "erases"("e", NEW);
    IF NEW."status" <> 'hangup' THEN
      UPDATE "calls" SET "erase_when_over" = true WHERE "id" = NEW."id" AND NOT "erase_when_over";
      RETURN NULL;
    END IF;
    PERFORM "erase_call"("e", NEW."id");
    -- Those of before have their number, which is what they are found by; those of this transaction are given theirs as it commits.
    PERFORM "erase_event"("e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = NEW."id" AND "v"."sequence" IS NOT NULL;
    PERFORM "erase_event"("e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = NEW."id" AND "v"."sequence" IS NULL;
    UPDATE "recordings" SET "deleted_at" = now(), "updated_at" = now()
    WHERE "customer_id" = NEW."customer_id" AND "call_id" = NEW."id" AND "deleted_at" IS NULL AND "e"."extension_id" IS NULL;
  END LOOP;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_erase_late" AFTER INSERT ON "calls" FOR EACH ROW
  WHEN (NEW."started_at" < now() - interval '2 seconds') EXECUTE FUNCTION "erase_late_call"();--> statement-breakpoint
CREATE TRIGGER "calls_erase_over" AFTER UPDATE OF "status" ON "calls" FOR EACH ROW
  WHEN (NEW."erase_when_over" AND NEW."status" = 'hangup' AND NEW."erased_at" IS NULL) EXECUTE FUNCTION "erase_late_call"();--> statement-breakpoint
CREATE FUNCTION "erase_late_event"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "e" "erasures";
BEGIN
  FOR "e" IN SELECT * FROM "erasures" AS "x"
    WHERE "x"."customer_id" = coalesce(NEW."customer_id", '00000000-0000-0000-0000-000000000001'::uuid)
      AND "x"."created_at" >= NEW."at" AND "x"."pattern" IS NOT NULL
      AND ("x"."status" = 'completed' OR "x"."created_at" < now() - interval '2 seconds')
  LOOP
    IF (CASE WHEN "e"."extension_id" IS NULL THEN NEW."data"::text ~ "e"."pattern"
      ELSE NEW."subject_id" = "e"."extension_id" OR strpos(NEW."data"::text, "e"."extension_id"::text) > 0 END)
    THEN
      PERFORM "erase_event"("e", NEW."id");
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "events_erase_late" AFTER INSERT ON "events" FOR EACH ROW
  WHEN (NEW."at" < now() - interval '2 seconds') EXECUTE FUNCTION "erase_late_event"();--> statement-breakpoint
-- Where a phone was whose registration is over, and which was there last before its extension was erased.
CREATE FUNCTION "erase_late_binding"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "erasures" WHERE "customer_id" = NEW."customer_id" AND "created_at" >= NEW."refreshed_at"
    AND "extension_id" = NEW."extension_id" AND "pattern" IS NOT NULL)
  THEN
    NEW."contact" := 'erased';
    NEW."address" := 'erased';
    NEW."user_agent" := 'erased';
    NEW."call_id" := 'erased';
    NEW."path" := '{}';
  END IF;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "bindings_erase_late" BEFORE INSERT OR UPDATE ON "bindings" FOR EACH ROW
  WHEN (NEW."extension_id" IS NOT NULL AND NEW."contact" <> 'erased'
    AND (NEW."event" NOT IN ('registered', 'refreshed') OR NEW."expires_at" < now())) EXECUTE FUNCTION "erase_late_binding"();--> statement-breakpoint
-- A recording which began before, and of which its relay tells after: of a call which was erased, or of who was.
CREATE FUNCTION "erase_late_recording"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "erasures" AS "e" WHERE "e"."customer_id" = NEW."customer_id" AND "e"."created_at" >= NEW."started_at"
    AND "e"."pattern" IS NOT NULL AND CASE WHEN "e"."extension_id" IS NOT NULL THEN NEW."extension_id" = "e"."extension_id"
      ELSE NEW."source" ~ "e"."pattern" OR EXISTS (SELECT FROM "calls" AS "c" WHERE "c"."id" = NEW."call_id" AND "c"."erased_at" >= "e"."created_at") END)
  THEN
    NEW."deleted_at" := now();
  END IF;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "recordings_erase_late" BEFORE INSERT OR UPDATE OF "source" ON "recordings" FOR EACH ROW
  WHEN (NEW."deleted_at" IS NULL AND NEW."started_at" < now() - interval '2 seconds') EXECUTE FUNCTION "erase_late_recording"();--> statement-breakpoint
-- What came of a command which was given before.
CREATE FUNCTION "erase_late_result"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "pattern" text;
BEGIN
  FOR "pattern" IN SELECT "e"."pattern" FROM "erasures" AS "e" WHERE "e"."customer_id" = NEW."customer_id"
    AND "e"."created_at" >= NEW."created_at" AND "e"."extension_id" IS NULL AND "e"."pattern" IS NOT NULL
  LOOP
    NEW."result" := "erased"(NEW."result", "pattern");
  END LOOP;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "commands_erase_late" BEFORE UPDATE OF "result" ON "commands" FOR EACH ROW
  WHEN (NEW."result" IS NOT NULL) EXECUTE FUNCTION "erase_late_result"();
