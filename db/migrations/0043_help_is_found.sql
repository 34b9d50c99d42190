ALTER TABLE "extensions" ADD COLUMN "emergency" jsonb;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "emergency_location" boolean DEFAULT false NOT NULL;