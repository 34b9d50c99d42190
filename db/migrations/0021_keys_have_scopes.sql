CREATE TYPE "public"."access_scope" AS ENUM('read', 'configure', 'call', 'admin');--> statement-breakpoint
CREATE TABLE "access_key_uses" (
	"key_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"used_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "replaced_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"key_id" uuid NOT NULL,
	"replaced_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "access_keys" ADD COLUMN "scopes" "access_scope"[] DEFAULT '{"read","configure","call","admin"}' NOT NULL;--> statement-breakpoint
ALTER TABLE "access_key_uses" ADD CONSTRAINT "access_key_uses_key_id_access_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."access_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "replaced_tokens" ADD CONSTRAINT "replaced_tokens_key_id_access_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."access_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "replaced_tokens_key_id_replaced_at_index" ON "replaced_tokens" USING btree ("key_id","replaced_at");