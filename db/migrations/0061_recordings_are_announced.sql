ALTER TABLE "extensions" ADD COLUMN "record_announcement" jsonb;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "record_announcement" jsonb;