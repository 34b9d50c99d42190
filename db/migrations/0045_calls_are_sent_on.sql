ALTER TABLE "extensions" ADD COLUMN "destinations" jsonb;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "destinations" jsonb;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "diversion" text DEFAULT 'off' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "redirects" text DEFAULT 'refuse' NOT NULL;