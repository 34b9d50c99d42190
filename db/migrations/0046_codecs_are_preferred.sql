ALTER TABLE "extensions" ADD COLUMN "codecs" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "isup" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "isup" boolean DEFAULT false NOT NULL;