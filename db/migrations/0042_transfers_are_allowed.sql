ALTER TYPE "public"."hangup_reason" ADD VALUE 'transferred';--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "transferred_from" uuid;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "transfer_type" text;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "transfer" text DEFAULT 'local' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "transfer" text DEFAULT 'deny' NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "transfer" text DEFAULT 'local' NOT NULL;