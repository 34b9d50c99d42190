ALTER TABLE "relays" ADD COLUMN "spool_bytes" bigint;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "software" text;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "protocol" integer;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "region" text;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "load" jsonb;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "last_error" jsonb;--> statement-breakpoint
ALTER TABLE "relays" ADD COLUMN "clock_ms" bigint;