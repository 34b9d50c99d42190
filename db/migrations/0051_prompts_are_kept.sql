CREATE TABLE "prompts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"sha256" text NOT NULL,
	"size" integer NOT NULL,
	"duration_ms" integer NOT NULL,
	"erased_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone
);
--> statement-breakpoint
ALTER TABLE "prompts" ADD CONSTRAINT "prompts_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "prompts_customer_id_created_at_id_index" ON "prompts" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "prompts_deleted" ON "prompts" USING btree ("deleted_at") WHERE "prompts"."deleted_at" is not null and "prompts"."erased_at" is null;--> statement-breakpoint
-- A prompt raises no number, as a webhook raises none; when its octets went is no part of its history.
DO $do$ BEGIN
  EXECUTE replace(replace(pg_get_functiondef('note_changes'::regproc), '''webhook'', ''alert''', '''webhook'', ''alert'', ''prompt'''),
    'found_since,failing_since', 'found_since,erased_at,failing_since');
END $do$;--> statement-breakpoint
CREATE TRIGGER "prompts_in_turn" BEFORE INSERT OR DELETE OR UPDATE OF "name", "detail", "deleted_at" ON "prompts"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
CREATE TRIGGER "prompts_insert_noted" AFTER INSERT ON "prompts" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('prompt');--> statement-breakpoint
CREATE TRIGGER "prompts_update_noted" AFTER UPDATE ON "prompts" REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('prompt');--> statement-breakpoint
CREATE TRIGGER "prompts_delete_noted" AFTER DELETE ON "prompts" REFERENCING OLD TABLE AS "old_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "note_changes"('prompt');
