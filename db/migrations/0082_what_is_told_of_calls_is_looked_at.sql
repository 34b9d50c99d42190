CREATE INDEX "erasures_to_hold_against" ON "erasures" USING btree ("customer_id","created_at") WHERE "erasures"."pattern" is not null;--> statement-breakpoint
-- Locks are taken in the order in which what relays tell is stored: calls by id, then what is a call's; bindings by id.
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
  "matching" uuid[] := '{}';
  "passed" uuid[] := '{}';
  "goes_on" boolean := false;
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
      "goes_on" := "row"."matches" AND "row"."status" <> 'hangup';
      EXIT WHEN "goes_on";
      IF "row"."matches" THEN
        "matching" := "matching" || "row"."id";
      END IF;
      "passed" := "passed" || "row"."id";
      "e"."cursor_at" := "row"."started_at";
      "e"."cursor_id" := "row"."id";
      "seen" := "seen" + 1;
    END LOOP;
    FOR "row" IN SELECT "id" FROM unnest("matching") AS "f" ("id") ORDER BY "id" LOOP
      PERFORM "erase_call"("e", "row"."id");
    END LOOP;
    IF "e"."extension_id" IS NULL THEN
      DELETE FROM "call_messages" WHERE "call_id" = ANY (ARRAY(SELECT "m"."call_id" FROM "call_messages" AS "m"
        WHERE "m"."call_id" = ANY ("passed") AND "m"."messages"::text ~ "e"."pattern" ORDER BY "m"."call_id" FOR UPDATE));
    END IF;
    UPDATE "erasures" SET "cursor_at" = "e"."cursor_at", "cursor_id" = "e"."cursor_id", "looked_at" = clock_timestamp(),
      "phase" = CASE WHEN "seen" < "most" AND NOT "goes_on" THEN 'events' ELSE 'calls' END,
      "counts" = "add_counts"("counts", jsonb_build_object('calls', cardinality("matching"))) WHERE "id" = "e"."id";
    RETURN CASE WHEN "goes_on" THEN "seen" ELSE greatest("seen", 1) END;
  ELSIF "e"."phase" = 'events' THEN
    FOR "row" IN
      SELECT "v"."id", "v"."sequence", "c"."id" AS "call_id", ("v"."at" <= "e"."created_at" OR "c"."erased_at" IS NOT NULL) AND CASE WHEN "e"."extension_id" IS NULL
        THEN "v"."data"::text ~ "e"."pattern"
        ELSE "v"."subject_id" = "e"."extension_id" OR strpos("v"."data"::text, "e"."extension_id"::text) > 0
          OR ("c"."erased_at" >= "e"."created_at" AND "v"."data"::text ~ "e"."pattern") END AS "matches"
      FROM "events" AS "v" LEFT JOIN "calls" AS "c" ON "c"."id" = "v"."subject_id"
      WHERE coalesce("v"."customer_id", '00000000-0000-0000-0000-000000000001'::uuid) = "e"."customer_id" AND "v"."sequence" > "e"."cursor_number"
      ORDER BY "v"."sequence" LIMIT "most"
    LOOP
      IF "row"."matches" THEN
        "matching" := "matching" || "row"."id";
        "passed" := "passed" || "row"."call_id";
      END IF;
      "e"."cursor_number" := "row"."sequence";
      "seen" := "seen" + 1;
    END LOOP;
    PERFORM FROM "calls" WHERE "id" = ANY ("passed") ORDER BY "id" FOR NO KEY UPDATE;
    PERFORM "erase_event"("e", "id") FROM unnest("matching") AS "f" ("id");
    UPDATE "erasures" SET "cursor_number" = "e"."cursor_number", "looked_at" = clock_timestamp(),
      "phase" = CASE WHEN "seen" < "most" THEN 'rest' ELSE 'events' END,
      "counts" = "add_counts"("counts", jsonb_build_object('events', cardinality("matching"))) WHERE "id" = "e"."id";
    RETURN greatest("seen", 1);
  END IF;
  UPDATE "bindings" SET "contact" = 'erased', "address" = 'erased', "user_agent" = 'erased', "call_id" = 'erased', "path" = '{}'
  WHERE "id" = ANY (ARRAY(SELECT "id" FROM "bindings"
    WHERE "customer_id" = "e"."customer_id" AND "extension_id" = "e"."extension_id" AND "contact" <> 'erased'
      AND ("event" NOT IN ('registered', 'refreshed') OR "expires_at" < now()) ORDER BY "id" FOR NO KEY UPDATE));
  GET DIAGNOSTICS "hits" = ROW_COUNT;
  UPDATE "commands" SET "body" = "erased"("body", "e"."pattern"), "result" = "erased"("result", "e"."pattern")
  WHERE "id" = ANY (ARRAY(SELECT "id" FROM "commands"
    WHERE "customer_id" = "e"."customer_id" AND "e"."extension_id" IS NULL AND "created_at" <= "e"."created_at"
      AND concat("body", "result") ~ "e"."pattern" ORDER BY "id" FOR NO KEY UPDATE));
  GET DIAGNOSTICS "more" = ROW_COUNT;
  UPDATE "erasures" SET "status" = 'completed', "completed_at" = now(), "number" = NULL,
    "counts" = "counts" || jsonb_build_object('registrations', "hits", 'commands', "more") WHERE "id" = "e"."id";
  RETURN 1;
END
$$;--> statement-breakpoint
DROP TRIGGER "calls_erase_late" ON "calls";--> statement-breakpoint
DROP TRIGGER "calls_erase_over" ON "calls";--> statement-breakpoint
DROP FUNCTION "erase_late_call"();--> statement-breakpoint
-- Whatever is told of calls which are over, however often and by whom, is held against what was erased of their customers since they
-- began: what comes into a call after an erasure has passed it is erased with it. They are locked, in order of their ids, by whoever
-- wrote them. No lock of the erasure is taken, at which a step may be that waits for them; to one which has yet to begin they are left.
CREATE FUNCTION "erase_told_calls"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "row" record;
BEGIN
  IF NOT EXISTS (SELECT FROM "erasures" WHERE "pattern" IS NOT NULL AND "customer_id" IN (SELECT "customer_id" FROM "new_rows")) THEN
    RETURN NULL;
  END IF;
  FOR "row" IN SELECT "n"."id", "n"."customer_id", "x" AS "e" FROM "new_rows" AS "n" JOIN "erasures" AS "x"
    ON "x"."customer_id" = "n"."customer_id" AND "x"."created_at" >= "n"."started_at" AND "x"."pattern" IS NOT NULL
      AND ("x"."status" = 'completed' OR "x"."created_at" < now() - interval '2 seconds')
    WHERE "n"."status" = 'hangup' AND "n"."erased_at" IS NULL AND "erases"("x", "n"::"calls")
    ORDER BY "n"."id", "x"."created_at", "x"."id"
  LOOP
    PERFORM "erase_call"("row"."e", "row"."id");
    -- Those of before have their number, which is what they are found by; those of this transaction are given theirs as it commits.
    PERFORM "erase_event"("row"."e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = "row"."id" AND "v"."sequence" IS NOT NULL;
    PERFORM "erase_event"("row"."e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = "row"."id" AND "v"."sequence" IS NULL;
    UPDATE "recordings" SET "deleted_at" = now(), "updated_at" = now() WHERE "id" = ANY (ARRAY(SELECT "r"."id" FROM "recordings" AS "r"
      WHERE "r"."customer_id" = "row"."customer_id" AND "r"."call_id" = "row"."id" AND "r"."deleted_at" IS NULL
        AND ("row"."e")."extension_id" IS NULL ORDER BY "r"."id" FOR NO KEY UPDATE));
  END LOOP;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_insert_erased" AFTER INSERT ON "calls" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "erase_told_calls"();--> statement-breakpoint
CREATE TRIGGER "calls_update_erased" AFTER UPDATE ON "calls" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "erase_told_calls"();--> statement-breakpoint
-- A number may stand in a call's messages alone, as who was asked to be rung instead.
CREATE FUNCTION "keep_no_erased_messages"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "erasures" AS "e" WHERE "e"."customer_id" = NEW."customer_id" AND "e"."pattern" IS NOT NULL
    AND "e"."extension_id" IS NULL AND NEW."messages"::text ~ "e"."pattern"
    AND "e"."created_at" >= (SELECT "started_at" FROM "calls" WHERE "id" = NEW."call_id"))
  THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "messages_erased_late" BEFORE INSERT ON "call_messages" FOR EACH ROW EXECUTE FUNCTION "keep_no_erased_messages"();
