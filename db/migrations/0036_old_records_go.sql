CREATE TABLE "calls_pruned" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"until" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
DROP INDEX "deliveries_created_at_index";--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "retention" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "commands_customer_id_created_at_index" ON "commands" USING btree ("customer_id","created_at");--> statement-breakpoint
CREATE INDEX "deliveries_event_id_index" ON "deliveries" USING btree ("event_id");--> statement-breakpoint
-- A call which is told once more when its record was old, and is gone, makes no new one: it would count twice.
CREATE FUNCTION "pass_over_pruned"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "calls_pruned" WHERE "customer_id" = NEW."customer_id" AND "until" >= NEW."started_at")
    AND NOT EXISTS (SELECT FROM "calls" WHERE "id" = NEW."id") THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_pruned_stay" BEFORE INSERT ON "calls" FOR EACH ROW
  WHEN (NEW."status" = 'hangup' AND NEW."started_at" < now() - interval '1 day') EXECUTE FUNCTION "pass_over_pruned"();
