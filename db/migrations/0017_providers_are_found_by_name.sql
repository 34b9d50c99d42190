CREATE TABLE "provider_hosts" (
	"provider_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"customer_id" uuid NOT NULL,
	"hostname" text NOT NULL,
	"port" integer,
	"transport" "transport",
	"addresses" "inet"[] NOT NULL,
	"why" text DEFAULT '' NOT NULL,
	"found_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "provider_hosts_provider_id_relay_id_pk" PRIMARY KEY("provider_id","relay_id")
);
--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "found" "inet"[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "found_since" timestamp (6) with time zone[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "number_listed" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null and "numbers"."number" <> 'any' and "numbers"."ownership" = 'claimed';--> statement-breakpoint
CREATE INDEX "provider_found" ON "providers" USING gin ("found") WHERE "providers"."deleted_at" is null;