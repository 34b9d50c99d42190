CREATE TABLE "drills" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"assume" jsonb,
	"call" jsonb NOT NULL,
	"schedule" jsonb,
	"enabled" boolean DEFAULT true NOT NULL,
	"next_run_at" timestamp (6) with time zone,
	"lost_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone
);
--> statement-breakpoint
ALTER TABLE "drills" ADD CONSTRAINT "drills_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "drills_customer_id_created_at_id_index" ON "drills" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "drills_due" ON "drills" USING btree (least("next_run_at", "lost_at")) WHERE "drills"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "drill_runs" ON "commands" USING btree (("body" ->> 'drill_id'),"created_at") WHERE "commands"."body" ->> 'kind' = 'drill';--> statement-breakpoint
-- A drill raises no number, as an alert raises none. When it runs is no part of its history.
DO $do$ BEGIN
  EXECUTE replace(replace(pg_get_functiondef('note_changes'::regproc), '''alert'', ''prompt''', '''alert'', ''prompt'', ''drill'''),
    'found_since,erased_at', 'found_since,next_run_at,lost_at,erased_at');
END $do$;--> statement-breakpoint
CREATE TRIGGER "drills_in_turn" BEFORE INSERT OR DELETE OR UPDATE OF "name", "detail", "assume", "call", "schedule", "enabled", "deleted_at" ON "drills"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
CREATE TRIGGER "drills_insert_noted" AFTER INSERT ON "drills" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('drill');--> statement-breakpoint
CREATE TRIGGER "drills_update_noted" AFTER UPDATE ON "drills" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('drill');--> statement-breakpoint
CREATE TRIGGER "drills_delete_noted" AFTER DELETE ON "drills" REFERENCING OLD TABLE AS "old_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('drill');
