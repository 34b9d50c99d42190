ALTER TABLE "extensions" ADD COLUMN "keepalive_s" integer DEFAULT 25 NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "keepalive_s" integer DEFAULT 25 NOT NULL;