CREATE TABLE "recordings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"kind" text,
	"call_id" uuid,
	"extension_id" uuid,
	"source" text,
	"channels" integer,
	"ms" integer,
	"bytes" bigint,
	"ending" text,
	"message" text,
	"started_at" timestamp (6) with time zone NOT NULL,
	"ended_at" timestamp (6) with time zone,
	"upload" jsonb,
	"uploaded_at" timestamp (6) with time zone,
	"heard_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone
);
--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "record" text DEFAULT 'off' NOT NULL;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "record" text DEFAULT 'off' NOT NULL;--> statement-breakpoint
ALTER TABLE "recordings" ADD CONSTRAINT "recordings_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "recordings_customer_id_started_at_id_index" ON "recordings" USING btree ("customer_id","started_at","id");--> statement-breakpoint
CREATE INDEX "recordings_customer_id_call_id_index" ON "recordings" USING btree ("customer_id","call_id");--> statement-breakpoint
CREATE INDEX "recordings_customer_id_extension_id_started_at_index" ON "recordings" USING btree ("customer_id","extension_id","started_at");--> statement-breakpoint
CREATE INDEX "recordings_updated_at_index" ON "recordings" USING btree ("updated_at") WHERE "recordings"."kind" = 'voicemail';--> statement-breakpoint
CREATE INDEX "recordings_deleted_at_index" ON "recordings" USING btree ("deleted_at") WHERE "recordings"."deleted_at" is not null;