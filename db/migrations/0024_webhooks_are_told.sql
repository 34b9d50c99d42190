CREATE TYPE "public"."delivery_status" AS ENUM('waiting', 'delivered', 'failed');--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"webhook_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"line" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"status" "delivery_status" DEFAULT 'waiting' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_try_at" timestamp (6) with time zone,
	"leased_until" timestamp (6) with time zone,
	"response_status" integer,
	"response_body" text,
	"error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"url" text NOT NULL,
	"events" text[] NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"sealed_secret" text NOT NULL,
	"sealed_previous_secret" text,
	"previous_until" timestamp (6) with time zone,
	"failing_since" timestamp (6) with time zone,
	"disabled_reason" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "webhook_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "sequence" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "events_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_event_id_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."events"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "delivery_webhook" FOREIGN KEY ("customer_id","webhook_id") REFERENCES "public"."webhooks"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "delivery_waits_once" ON "deliveries" USING btree ("customer_id","webhook_id","event_id") WHERE "deliveries"."status" = 'waiting';--> statement-breakpoint
CREATE INDEX "deliveries_due" ON "deliveries" USING btree ("next_try_at") WHERE "deliveries"."status" = 'waiting';--> statement-breakpoint
CREATE INDEX "deliveries_in_line" ON "deliveries" USING btree ("webhook_id","line","sequence") WHERE "deliveries"."status" = 'waiting';--> statement-breakpoint
CREATE INDEX "deliveries_leased" ON "deliveries" USING btree ("webhook_id","leased_until") WHERE "deliveries"."leased_until" is not null;--> statement-breakpoint
CREATE INDEX "deliveries_customer_id_webhook_id_created_at_id_index" ON "deliveries" USING btree ("customer_id","webhook_id","created_at","id");--> statement-breakpoint
CREATE INDEX "deliveries_created_at_index" ON "deliveries" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "webhooks_customer_id_created_at_id_index" ON "webhooks" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "events_customer_id_sequence_index" ON "events" USING btree ("customer_id","sequence");--> statement-breakpoint
-- Whether a webhook which asks for these is told of events of this type: "call.ended", "call.*", "*".
CREATE FUNCTION "event_matches"("type" text, "asked" text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT EXISTS (SELECT FROM unnest("asked") AS "pattern"
    WHERE "pattern" IN ('*', "type") OR "pattern" LIKE '%.*' AND starts_with("type", left("pattern", -1)))
$$;--> statement-breakpoint
-- Puts events into the lines of webhooks, pair by pair; one which waits already stays where it is. Only the first of a line is due.
CREATE FUNCTION "queue_deliveries"("for_webhooks" uuid[], "for_events" uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE "count" bigint;
BEGIN
  INSERT INTO "deliveries" ("id", "customer_id", "webhook_id", "event_id", "line", "sequence", "next_try_at")
  SELECT gen_random_uuid(), "customer_id", "webhook_id", "event_id", "line", "sequence",
    CASE WHEN "nth" = 1 AND "enabled" AND NOT EXISTS (
      SELECT FROM "deliveries" AS "d" WHERE "d"."status" = 'waiting' AND "d"."webhook_id" = "new"."webhook_id"
        AND "d"."line" = "new"."line" AND "d"."sequence" < "new"."sequence") THEN now() END
  FROM (
    SELECT "w"."customer_id", "w"."id" AS "webhook_id", "w"."enabled", "e"."id" AS "event_id", "e"."sequence",
      coalesce("e"."subject_id", "e"."id") AS "line",
      row_number() OVER (PARTITION BY "w"."id", coalesce("e"."subject_id", "e"."id") ORDER BY "e"."sequence") AS "nth"
    FROM unnest("for_webhooks", "for_events") AS "pair" ("w", "e")
    JOIN "webhooks" AS "w" ON "w"."id" = "pair"."w" JOIN "events" AS "e" ON "e"."id" = "pair"."e"
  ) AS "new"
  ON CONFLICT ("customer_id", "webhook_id", "event_id") WHERE "status" = 'waiting' DO NOTHING;
  GET DIAGNOSTICS "count" = ROW_COUNT;
  RETURN "count";
END
$$;--> statement-breakpoint
-- Makes the first of each line of a webhook due; of all webhooks where none is named.
CREATE FUNCTION "release_deliveries"("of" uuid) RETURNS void LANGUAGE sql AS $$
  UPDATE "deliveries" AS "d" SET "next_try_at" = now() FROM "webhooks" AS "w"
  WHERE "d"."status" = 'waiting' AND "d"."next_try_at" IS NULL AND ("of" IS NULL OR "d"."webhook_id" = "of")
    AND "w"."id" = "d"."webhook_id" AND "w"."enabled" AND "w"."deleted_at" IS NULL
    AND ("d"."leased_until" IS NULL OR "d"."leased_until" <= now())
    AND NOT EXISTS (SELECT FROM "deliveries" AS "o" WHERE "o"."status" = 'waiting' AND "o"."webhook_id" = "d"."webhook_id"
      AND "o"."line" = "d"."line" AND "o"."sequence" < "d"."sequence")
$$;--> statement-breakpoint
-- Whatever writes an event, in that very transaction its customer's webhooks are to be told of it. Of a trial only one is.
CREATE FUNCTION "deliver_events"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "queue_deliveries"("of", "what") FROM (
    SELECT array_agg("w"."id") AS "of", array_agg("e"."id") AS "what"
    FROM "new_rows" AS "e" JOIN "webhooks" AS "w"
      ON "w"."customer_id" = coalesce("e"."customer_id", '00000000-0000-0000-0000-000000000001')
      AND "w"."enabled" AND "w"."deleted_at" IS NULL AND "event_matches"("e"."type", "w"."events")
    WHERE "e"."type" <> 'webhook.test') AS "pairs"
  WHERE "of" IS NOT NULL;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "events_delivered" AFTER INSERT ON "events" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "deliver_events"();--> statement-breakpoint
-- What a webhook which is disabled was to be told of waits until it is enabled. What a Worker is at is left to it.
CREATE FUNCTION "hold_deliveries"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."enabled" AND NEW."deleted_at" IS NULL THEN
    PERFORM "release_deliveries"(NEW."id");
  ELSE
    UPDATE "deliveries" SET "next_try_at" = NULL WHERE "id" IN (SELECT "id" FROM "deliveries"
      WHERE "webhook_id" = NEW."id" AND "status" = 'waiting' AND "next_try_at" IS NOT NULL FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "webhooks_held" AFTER UPDATE OF "enabled", "deleted_at" ON "webhooks" FOR EACH ROW
  WHEN (OLD."enabled" IS DISTINCT FROM NEW."enabled" OR OLD."deleted_at" IS DISTINCT FROM NEW."deleted_at")
  EXECUTE FUNCTION "hold_deliveries"();
