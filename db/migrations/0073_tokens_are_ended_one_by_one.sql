ALTER TABLE "bindings" ADD COLUMN "token_id" uuid;--> statement-breakpoint
ALTER TABLE "registration_tokens" ADD COLUMN "key_id" uuid;--> statement-breakpoint
ALTER TABLE "registration_tokens" ADD COLUMN "created_at" timestamp (6) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "registration_tokens" ADD COLUMN "ended_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "registration_tokens" ADD CONSTRAINT "registration_tokens_key_id_access_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."access_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "registration_tokens_key_id_index" ON "registration_tokens" USING btree ("key_id");--> statement-breakpoint
-- Relays learn which were ended as they learn of what is configured: the customer is given the next number, after its turn was taken.
CREATE TRIGGER "registration_tokens_in_turn" BEFORE UPDATE ON "registration_tokens"
  FOR EACH STATEMENT EXECUTE FUNCTION "take_configuration_turn"();--> statement-breakpoint
CREATE TRIGGER "registration_tokens_updated" AFTER UPDATE ON "registration_tokens" REFERENCING NEW TABLE AS "changed"
  FOR EACH STATEMENT EXECUTE FUNCTION "something_of_customers_changed"();
