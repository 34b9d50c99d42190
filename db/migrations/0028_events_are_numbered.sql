CREATE TABLE "event_counters" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"last" bigint NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
DROP INDEX "events_customer_id_sequence_index";--> statement-breakpoint
DROP INDEX "events_customer_id_at_id_index";--> statement-breakpoint
DROP INDEX "events_customer_id_type_at_id_index";--> statement-breakpoint
DROP INDEX "events_subject_id_at_index";--> statement-breakpoint
DROP TRIGGER "events_delivered" ON "events";--> statement-breakpoint
DROP FUNCTION "deliver_events"();--> statement-breakpoint
ALTER TABLE "events" ALTER COLUMN "sequence" DROP IDENTITY;--> statement-breakpoint
ALTER TABLE "events" ALTER COLUMN "sequence" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "written" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "events_written_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
-- Those which are there already keep their order, and so does what waits to be delivered.
UPDATE "events" SET "sequence" = "n"."nth" FROM (
  SELECT "id", row_number() OVER (PARTITION BY coalesce("customer_id", '00000000-0000-0000-0000-000000000001') ORDER BY "sequence") AS "nth" FROM "events"
) AS "n" WHERE "events"."id" = "n"."id";--> statement-breakpoint
UPDATE "deliveries" SET "sequence" = "events"."sequence" FROM "events" WHERE "events"."id" = "deliveries"."event_id";--> statement-breakpoint
INSERT INTO "event_counters" ("customer_id", "last")
SELECT coalesce("customer_id", '00000000-0000-0000-0000-000000000001'), max("sequence") FROM "events" GROUP BY 1;--> statement-breakpoint
CREATE UNIQUE INDEX "events_in_order" ON "events" USING btree (coalesce("customer_id", '00000000-0000-0000-0000-000000000001'::uuid),"sequence") WHERE "events"."sequence" is not null;--> statement-breakpoint
CREATE INDEX "events_of_type" ON "events" USING btree (coalesce("customer_id", '00000000-0000-0000-0000-000000000001'::uuid),"type","sequence") WHERE "events"."sequence" is not null;--> statement-breakpoint
CREATE INDEX "events_about" ON "events" USING btree ("subject_id","sequence") WHERE "events"."sequence" is not null;--> statement-breakpoint
CREATE INDEX "events_not_numbered" ON "events" USING btree ("written") WHERE "events"."sequence" is null;--> statement-breakpoint
-- The webhooks which ask for them are to be told of events which have just been numbered. Of a trial only one is, and none
-- of what happens to itself.
CREATE FUNCTION "deliver_events"("numbered" uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "queue_deliveries"("of", "what") FROM (
    SELECT array_agg("w"."id") AS "of", array_agg("e"."id") AS "what"
    FROM "events" AS "e" JOIN "webhooks" AS "w"
      ON "w"."customer_id" = coalesce("e"."customer_id", '00000000-0000-0000-0000-000000000001')
      AND "w"."enabled" AND "w"."deleted_at" IS NULL AND "event_matches"("e"."type", "w"."events")
    WHERE "e"."id" = ANY ("numbered") AND "e"."type" <> 'webhook.test' AND "e"."subject_id" IS DISTINCT FROM "w"."id") AS "pairs"
  WHERE "of" IS NOT NULL;
END
$$;--> statement-breakpoint
-- Numbers the events of a transaction as it commits, the first of them all. Each customer's counter is held until it has
-- committed: whoever sees a number sees all below it. Counters are the last that it takes, always in the same order, so
-- that no two transactions wait for each other.
CREATE FUNCTION "number_events"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE "numbered" uuid[];
BEGIN
  PERFORM FROM "events" WHERE "id" = NEW."id" AND "sequence" IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  WITH "mine" AS (
    SELECT "id", "owner", row_number() OVER "theirs" AS "nth", count(*) OVER (PARTITION BY "owner") AS "count"
    FROM (
      SELECT "id", "written", coalesce("customer_id", '00000000-0000-0000-0000-000000000001') AS "owner"
      FROM "events" WHERE "sequence" IS NULL AND "written" >= NEW."written"
    ) AS "fresh"
    WINDOW "theirs" AS (PARTITION BY "owner" ORDER BY "written")
  ),
  "counted" AS (
    INSERT INTO "event_counters" AS "c" ("customer_id", "last")
    SELECT "owner", "count" FROM "mine" WHERE "nth" = 1 ORDER BY "owner"
    ON CONFLICT ("customer_id") DO UPDATE SET "last" = "c"."last" + excluded."last"
    RETURNING "customer_id", "last"
  ),
  "given" AS (
    UPDATE "events" AS "e" SET "sequence" = "counted"."last" - "mine"."count" + "mine"."nth"
    FROM "mine" JOIN "counted" ON "counted"."customer_id" = "mine"."owner" WHERE "e"."id" = "mine"."id"
    RETURNING "e"."id"
  )
  SELECT array_agg("id") INTO "numbered" FROM "given";
  PERFORM "deliver_events"("numbered");
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE CONSTRAINT TRIGGER "events_numbered" AFTER INSERT ON "events" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION "number_events"();
