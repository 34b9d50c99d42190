ALTER TABLE "calls" ADD COLUMN "held" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "muted" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "metadata" jsonb;--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "begun_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "moved_at" timestamp (6) with time zone;--> statement-breakpoint
CREATE INDEX "commands_not_begun" ON "commands" USING btree ("created_at") WHERE "commands"."body" ->> 'kind' = 'originate' and "commands"."begun_at" is null and "commands"."done_at" is null;