CREATE TYPE "public"."alert_format" AS ENUM('standard', 'slack', 'pagerduty');--> statement-breakpoint
CREATE TABLE "alert_facts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "alert_facts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"customer_id" uuid NOT NULL,
	"type" text NOT NULL,
	"subject_id" uuid,
	"at" timestamp (6) with time zone NOT NULL,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_incidents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"alert_id" uuid NOT NULL,
	"subject" text NOT NULL,
	"raised_at" timestamp (6) with time zone NOT NULL,
	"resolved_at" timestamp (6) with time zone,
	"told_at" timestamp (6) with time zone NOT NULL,
	"count" integer NOT NULL,
	"value" real,
	"reason" text NOT NULL,
	"address" text,
	"resolution" text,
	"about" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_judgements" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_states" (
	"customer_id" uuid NOT NULL,
	"alert_id" uuid NOT NULL,
	"subject" text NOT NULL,
	"state" jsonb NOT NULL,
	"due_at" timestamp (6) with time zone,
	CONSTRAINT "alert_states_customer_id_alert_id_subject_pk" PRIMARY KEY("customer_id","alert_id","subject")
);
--> statement-breakpoint
CREATE TABLE "alerts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"when" jsonb NOT NULL,
	"extension_id" uuid,
	"trunk_id" uuid,
	"provider_id" uuid,
	"route_id" uuid,
	"country" text,
	"min_samples" integer DEFAULT 20 NOT NULL,
	"webhook_id" uuid,
	"format" "alert_format" DEFAULT 'standard' NOT NULL,
	"sealed_routing_key" text,
	"enabled" boolean DEFAULT true NOT NULL,
	"fed_by" text[] NOT NULL,
	"since" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "alert_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
ALTER TABLE "alert_facts" ADD CONSTRAINT "alert_facts_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_incidents" ADD CONSTRAINT "alert_incidents_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_incidents" ADD CONSTRAINT "incident_of_alert" FOREIGN KEY ("customer_id","alert_id") REFERENCES "public"."alerts"("customer_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_judgements" ADD CONSTRAINT "alert_judgements_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_states" ADD CONSTRAINT "state_of_alert" FOREIGN KEY ("customer_id","alert_id") REFERENCES "public"."alerts"("customer_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alerts" ADD CONSTRAINT "alerts_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alerts" ADD CONSTRAINT "alert_webhook" FOREIGN KEY ("customer_id","webhook_id") REFERENCES "public"."webhooks"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_facts_customer_id_id_index" ON "alert_facts" USING btree ("customer_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "incident_lasts_once" ON "alert_incidents" USING btree ("customer_id","alert_id","subject") WHERE "alert_incidents"."resolved_at" is null;--> statement-breakpoint
CREATE INDEX "alert_incidents_customer_id_alert_id_raised_at_id_index" ON "alert_incidents" USING btree ("customer_id","alert_id","raised_at","id");--> statement-breakpoint
CREATE INDEX "alert_states_due" ON "alert_states" USING btree ("due_at") WHERE "alert_states"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "alerts_customer_id_created_at_id_index" ON "alerts" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "alerts_watching" ON "alerts" USING btree ("customer_id") WHERE "alerts"."enabled" and "alerts"."deleted_at" is null;--> statement-breakpoint
-- Whether a customer's alerts wait for facts of a type.
CREATE FUNCTION "alerts_wait_for"("whose" uuid, "fact" text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM "alerts" WHERE "customer_id" = "whose" AND "enabled" AND "deleted_at" IS NULL AND "fact" = ANY ("fed_by"))
$$;--> statement-breakpoint
-- An event which an alert waits for is put down for it, whatever writes it.
CREATE FUNCTION "feed_alerts_with_events"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at", "data")
  SELECT "e"."customer_id", "e"."type", "e"."subject_id", "e"."at", "e"."data" FROM "new_rows" AS "e"
  WHERE "alerts_wait_for"("e"."customer_id", "e"."type");
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "events_feed_alerts" AFTER INSERT ON "events" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "feed_alerts_with_events"();--> statement-breakpoint
-- A row of which an alert waits for this fact: which, its trigger says.
CREATE FUNCTION "feed_alerts"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF "alerts_wait_for"(NEW."customer_id", TG_ARGV[0]) THEN
    INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at")
    VALUES (NEW."customer_id", TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::uuid, now());
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_feed_alerts_as_they_begin" AFTER INSERT ON "calls" FOR EACH ROW WHEN (NEW."direction" = 'outgoing')
  EXECUTE FUNCTION "feed_alerts"('call_began', 'id');--> statement-breakpoint
CREATE TRIGGER "calls_feed_alerts_told_over" AFTER INSERT ON "calls" FOR EACH ROW WHEN (NEW."status" = 'hangup')
  EXECUTE FUNCTION "feed_alerts"('call_ended', 'id');--> statement-breakpoint
CREATE TRIGGER "calls_feed_alerts_as_they_end" AFTER UPDATE OF "status" ON "calls" FOR EACH ROW
  WHEN (NEW."status" = 'hangup' AND OLD."status" <> 'hangup') EXECUTE FUNCTION "feed_alerts"('call_ended', 'id');--> statement-breakpoint
CREATE TRIGGER "calls_feed_alerts_told_with_sound" AFTER INSERT ON "calls" FOR EACH ROW
  WHEN (NEW."status" = 'hangup' AND NEW."media" IS NOT NULL) EXECUTE FUNCTION "feed_alerts"('call_heard', 'id');--> statement-breakpoint
-- The last word on its sound comes with its end, or after it.
CREATE TRIGGER "calls_feed_alerts_with_sound" AFTER UPDATE OF "status", "media" ON "calls" FOR EACH ROW
  WHEN (NEW."status" = 'hangup' AND NEW."media" IS NOT NULL AND (OLD."status" <> 'hangup' OR OLD."media" IS NULL))
  EXECUTE FUNCTION "feed_alerts"('call_heard', 'id');--> statement-breakpoint
CREATE TRIGGER "extensions_bound_feed_alerts" AFTER INSERT ON "bindings" FOR EACH ROW WHEN (NEW."extension_id" IS NOT NULL)
  EXECUTE FUNCTION "feed_alerts"('binding', 'extension_id');--> statement-breakpoint
CREATE TRIGGER "trunks_bound_feed_alerts" AFTER INSERT ON "bindings" FOR EACH ROW WHEN (NEW."trunk_id" IS NOT NULL)
  EXECUTE FUNCTION "feed_alerts"('binding', 'trunk_id');--> statement-breakpoint
-- A refresh in time is no news; one of what had run out is, though nothing told so.
CREATE TRIGGER "extensions_bindings_feed_alerts" AFTER UPDATE OF "event" ON "bindings" FOR EACH ROW
  WHEN (NEW."extension_id" IS NOT NULL AND (OLD."expires_at" < now()
    OR (NEW."event" IN ('registered', 'refreshed')) <> (OLD."event" IN ('registered', 'refreshed'))))
  EXECUTE FUNCTION "feed_alerts"('binding', 'extension_id');--> statement-breakpoint
CREATE TRIGGER "trunks_bindings_feed_alerts" AFTER UPDATE OF "event" ON "bindings" FOR EACH ROW
  WHEN (NEW."trunk_id" IS NOT NULL AND (OLD."expires_at" < now()
    OR (NEW."event" IN ('registered', 'refreshed')) <> (OLD."event" IN ('registered', 'refreshed'))))
  EXECUTE FUNCTION "feed_alerts"('binding', 'trunk_id');--> statement-breakpoint
-- An alert which watches for something else than before begins anew: who judges it is told so.
CREATE FUNCTION "begin_alert"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."since" := now();
  INSERT INTO "alert_judgements" ("customer_id") VALUES (NEW."customer_id") ON CONFLICT DO NOTHING;
  INSERT INTO "alert_facts" ("customer_id", "type", "subject_id", "at") VALUES (NEW."customer_id", 'alert', NEW."id", now());
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "alerts_begin" BEFORE INSERT ON "alerts" FOR EACH ROW EXECUTE FUNCTION "begin_alert"();--> statement-breakpoint
CREATE TRIGGER "alerts_begin_anew" BEFORE UPDATE ON "alerts" FOR EACH ROW
  WHEN (ROW(OLD."when", OLD."extension_id", OLD."trunk_id", OLD."provider_id", OLD."route_id", OLD."country", OLD."min_samples",
      OLD."enabled", OLD."deleted_at") IS DISTINCT FROM ROW(NEW."when", NEW."extension_id", NEW."trunk_id", NEW."provider_id",
      NEW."route_id", NEW."country", NEW."min_samples", NEW."enabled", NEW."deleted_at"))
  EXECUTE FUNCTION "begin_alert"();--> statement-breakpoint
-- Alerts have a history as webhooks have; what they watch is none of it.
CREATE OR REPLACE FUNCTION "note_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "noun" CONSTANT text := TG_ARGV[0];
  "owner" CONSTANT text := CASE "noun" WHEN 'customer' THEN 'id' ELSE 'customer_id' END;
  "most" CONSTANT integer := 30000;
  "uncounted" CONSTANT text[] := '{version,found,found_since,failing_since,since,fed_by}';
  "bare" boolean;
  "changed" refcursor;
  "whose" record;
  "number" bigint;
  "last" record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    OPEN "changed" FOR SELECT ("n" ->> "owner")::uuid AS "customer_id", array_agg(NULL::jsonb) AS "was", array_agg("n") AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("r") AS "n" FROM "new_rows" AS "r" OFFSET 0) AS "pair" GROUP BY 1;
  ELSIF TG_OP = 'DELETE' THEN
    OPEN "changed" FOR SELECT ("o" ->> "owner")::uuid AS "customer_id", array_agg("o") AS "was", array_agg(NULL::jsonb) AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("r") AS "o" FROM "old_rows" AS "r" OFFSET 0) AS "pair" GROUP BY 1;
  ELSE
    OPEN "changed" FOR SELECT ("n" ->> "owner")::uuid AS "customer_id", array_agg("o") AS "was", array_agg("n") AS "is", count(*) AS "count"
      FROM (SELECT to_jsonb("o") AS "o", to_jsonb("n") AS "n" FROM "old_rows" AS "o" JOIN "new_rows" AS "n" USING ("id") OFFSET 0) AS "pair"
      WHERE "o" - "uncounted" <> "n" - "uncounted" GROUP BY 1;
  END IF;
  LOOP
    FETCH "changed" INTO "whose";
    EXIT WHEN NOT FOUND;
    -- A key, a webhook or an alert is no part of what calls are decided by, and raises no number.
    IF "noun" IN ('accesskey', 'webhook', 'alert') THEN
      SELECT "version" INTO "number" FROM "configuration";
    ELSE
      "number" := "next_configuration_version"();
    END IF;
    -- Most have no secrets, and which those are is asked once.
    "bare" := cardinality("secrets_in"(coalesce("whose"."is"[1], "whose"."was"[1]))) = 0;
    SELECT "ordinal", "at" INTO "last" FROM "changes" WHERE "customer_id" = "whose"."customer_id" ORDER BY "at" DESC LIMIT 1;
    "last"."ordinal" := coalesce("last"."ordinal", 0);
    "last"."at" := greatest(clock_timestamp(), "last"."at");
    INSERT INTO "changes" ("id", "customer_id", "version", "ordinal", "at", "resource_type", "resource_id", "key_id", "request_id",
      "before", "after", "secret_changed")
    SELECT gen_random_uuid(), "whose"."customer_id", "number", "last"."ordinal" + "nth", "last"."at" + "nth" * interval '1 microsecond',
      "noun", (coalesce("n", "o") ->> 'id')::uuid, nullif(current_setting('trunkline.key_id', true), '')::uuid,
      nullif(current_setting('trunkline.request_id', true), ''),
      CASE WHEN "bare" THEN "o" - '{version,found,found_since}'::text[] WHEN "o" IS NOT NULL THEN "recorded"("o") END,
      CASE WHEN "bare" THEN "n" - '{version,found,found_since}'::text[] WHEN "n" IS NOT NULL THEN "recorded"("n") END,
      NOT "bare" AND "o" IS NOT NULL AND "n" IS NOT NULL AND "secrets_differ"("o", "n")
    FROM unnest("whose"."was", "whose"."is") WITH ORDINALITY AS "pair" ("o", "n", "nth")
    WHERE "nth" > "whose"."count" - "most";
    -- Swept at each sixteenth change: more than come since.
    IF ("last"."ordinal" + "whose"."count") / 16 > "last"."ordinal" / 16 THEN
      DELETE FROM "changes" USING (
        SELECT "id", "ordinal", lead("at") OVER (ORDER BY "at") AS "next_at" FROM (
          SELECT "id", "ordinal", "at" FROM "changes" WHERE "customer_id" = "whose"."customer_id"
          ORDER BY "at" LIMIT "whose"."count" + 32) AS "few") AS "oldest"
      WHERE "changes"."id" = "oldest"."id" AND ("oldest"."ordinal" <= "last"."ordinal" + "whose"."count" - "most"
        OR "oldest"."next_at" < now() - interval '90 days');
    END IF;
  END LOOP;
  CLOSE "changed";
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "alerts_in_turn" BEFORE INSERT OR DELETE OR UPDATE ON "alerts"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
CREATE TRIGGER "alerts_insert_noted" AFTER INSERT ON "alerts" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('alert');--> statement-breakpoint
CREATE TRIGGER "alerts_update_noted" AFTER UPDATE ON "alerts" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('alert');--> statement-breakpoint
CREATE TRIGGER "alerts_delete_noted" AFTER DELETE ON "alerts" REFERENCING OLD TABLE AS "old_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('alert');--> statement-breakpoint
-- Whoever asks for them is told of events which have just been numbered, and of an alert its own webhook, whatever it asks for.
-- Of a trial only one is, and none of what happens to itself.
CREATE OR REPLACE FUNCTION "deliver_events"("numbered" uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "queue_deliveries"("of", "what") FROM (
    SELECT array_agg("w"."id") AS "of", array_agg("e"."id") AS "what"
    FROM "events" AS "e"
    LEFT JOIN "alerts" AS "a" ON "e"."type" IN ('alert.raised', 'alert.resolved') AND "a"."id" = "e"."subject_id"
    JOIN "webhooks" AS "w"
      ON "w"."customer_id" = coalesce("e"."customer_id", '00000000-0000-0000-0000-000000000001')
      AND "w"."enabled" AND "w"."deleted_at" IS NULL
      AND ("event_matches"("e"."type", "w"."events") OR "w"."id" = "a"."webhook_id")
    WHERE "e"."id" = ANY ("numbered") AND "e"."type" NOT IN ('webhook.test', 'alert.test')
      AND "e"."subject_id" IS DISTINCT FROM "w"."id") AS "pairs"
  WHERE "of" IS NOT NULL;
END
$$;
