CREATE TYPE "public"."ownership" AS ENUM('claimed', 'verified', 'assigned');--> statement-breakpoint
DROP INDEX "number_taken";--> statement-breakpoint
DROP INDEX "number_ranges";--> statement-breakpoint
DROP INDEX "number_countries";--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "ownership" "ownership" DEFAULT 'claimed' NOT NULL;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "verified_at" timestamp (6) with time zone;--> statement-breakpoint
-- Until now a number was its customer's by being listed, and its alone: nobody's caller id is taken away.
UPDATE "numbers" SET "ownership" = 'assigned', "verified_at" = "created_at" WHERE "number" <> 'any' AND "deleted_at" IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "number_twice" ON "numbers" USING btree ("customer_id","number") WHERE "numbers"."deleted_at" is null and "numbers"."number" <> 'any';--> statement-breakpoint
CREATE INDEX "number_ranges_taken" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null and "numbers"."number_to" is not null and "numbers"."ownership" <> 'claimed';--> statement-breakpoint
CREATE UNIQUE INDEX "number_taken" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null and "numbers"."number" <> 'any' and "numbers"."ownership" <> 'claimed';--> statement-breakpoint
CREATE INDEX "number_ranges" ON "numbers" USING btree ("customer_id","number") WHERE "numbers"."deleted_at" is null and "numbers"."number_to" is not null;--> statement-breakpoint
CREATE INDEX "number_countries" ON "numbers" USING btree ("customer_id","country") WHERE "numbers"."deleted_at" is null and "numbers"."enabled" and "numbers"."country" is not null and "numbers"."ownership" <> 'claimed';