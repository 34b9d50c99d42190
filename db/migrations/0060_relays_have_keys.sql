CREATE TABLE "relay_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"relay_id" text NOT NULL,
	"name" text NOT NULL,
	"hash" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"used_at" timestamp (6) with time zone,
	"revoked_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE INDEX "relay_keys_relay_id_index" ON "relay_keys" USING btree ("relay_id");--> statement-breakpoint
CREATE UNIQUE INDEX "relay_keys_hash_index" ON "relay_keys" USING btree ("hash");--> statement-breakpoint
CREATE UNIQUE INDEX "relay_keys_derived" ON "relay_keys" USING btree ("relay_id") WHERE "relay_keys"."hash" is null;