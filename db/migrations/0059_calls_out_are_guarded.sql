ALTER TYPE "public"."resource" ADD VALUE 'calls_per_minute';--> statement-breakpoint
ALTER TYPE "public"."resource" ADD VALUE 'calls_per_hour';--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "outbound_blocked" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "max_calls_per_minute" integer;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "max_calls_per_hour" integer;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "released_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "new_countries" text;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "known_countries" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "outbound_blocked" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "max_calls_per_minute" integer;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "max_calls_per_hour" integer;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "released_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "new_countries" text;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "known_countries" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "outbound_blocked" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "max_calls_per_minute" integer;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "max_calls_per_hour" integer;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "released_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "new_countries" text;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "known_countries" text[] DEFAULT '{}' NOT NULL;