ALTER TABLE "extensions" ADD COLUMN "secure" text DEFAULT 'allowed' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "secure" text DEFAULT 'allowed' NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "secure" text DEFAULT 'allowed' NOT NULL;