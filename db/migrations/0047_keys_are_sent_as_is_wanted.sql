ALTER TABLE "extensions" ADD COLUMN "dtmf" text DEFAULT 'auto' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "dtmf" text DEFAULT 'auto' NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "dtmf" text DEFAULT 'auto' NOT NULL;