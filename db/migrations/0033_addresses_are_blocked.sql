CREATE TABLE "source_blocks" (
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"source" text NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"until" timestamp (6) with time zone NOT NULL,
	"failures" integer NOT NULL,
	"accounts" integer NOT NULL,
	"ended_at" timestamp (6) with time zone,
	CONSTRAINT "source_blocks_customer_id_id_pk" PRIMARY KEY("customer_id","id")
);
--> statement-breakpoint
ALTER TABLE "source_blocks" ADD CONSTRAINT "source_blocks_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "source_blocks_customer_id_since_id_index" ON "source_blocks" USING btree ("customer_id","since","id");--> statement-breakpoint
CREATE INDEX "source_blocks_until_index" ON "source_blocks" USING btree ("until");