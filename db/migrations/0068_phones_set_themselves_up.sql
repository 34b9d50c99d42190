CREATE TABLE "provisioning_links" (
	"extension_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"key_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"spent_at" timestamp (6) with time zone,
	CONSTRAINT "provisioning_link_hash" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "provisioning_links" ADD CONSTRAINT "provisioning_links_key_id_access_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."access_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provisioning_links" ADD CONSTRAINT "provisioning_link_extension" FOREIGN KEY ("customer_id","extension_id") REFERENCES "public"."extensions"("customer_id","id") ON DELETE no action ON UPDATE no action;