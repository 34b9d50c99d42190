CREATE TABLE "registration_tokens" (
	"id" uuid NOT NULL,
	"extension_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "registration_tokens_customer_id_extension_id_id_pk" PRIMARY KEY("customer_id","extension_id","id")
);
--> statement-breakpoint
ALTER TABLE "registration_tokens" ADD CONSTRAINT "registration_token_extension" FOREIGN KEY ("customer_id","extension_id") REFERENCES "public"."extensions"("customer_id","id") ON DELETE no action ON UPDATE no action;