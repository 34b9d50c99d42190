DROP INDEX "calls_answered";--> statement-breakpoint
CREATE INDEX "calls_out_answered" ON "calls" USING btree ("customer_id","answered_at") WHERE "calls"."direction" = 'outgoing' and "calls"."answered_at" is not null;--> statement-breakpoint
CREATE INDEX "calls_out_over_midnight" ON "calls" USING btree ("customer_id","answered_at") WHERE "calls"."direction" = 'outgoing' and "calls"."answered_at" is not null and ("calls"."ended_at" is null
          or ("calls"."ended_at" at time zone 'UTC')::date > ("calls"."answered_at" at time zone 'UTC')::date);--> statement-breakpoint
CREATE INDEX "number_catch_alls" ON "numbers" USING btree ("provider_id") WHERE "numbers"."deleted_at" is null and "numbers"."number" = 'any';--> statement-breakpoint
CREATE INDEX "number_countries" ON "numbers" USING btree ("customer_id","country") WHERE "numbers"."deleted_at" is null and "numbers"."enabled" and "numbers"."country" is not null;--> statement-breakpoint
CREATE INDEX "provider_sources" ON "providers" USING gin ("sources") WHERE "providers"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "trunk_sources" ON "trunks" USING gin ("sources") WHERE "trunks"."deleted_at" is null;--> statement-breakpoint
-- A network is looked for by its first address: what was written with another is put right.
UPDATE "providers" SET "sources" = array(SELECT set_masklen(host(network("source"))::inet, masklen("source")) FROM unnest("sources") AS "source")
WHERE EXISTS (SELECT FROM unnest("sources") AS "source" WHERE host("source") <> host(network("source")));--> statement-breakpoint
UPDATE "trunks" SET "sources" = array(SELECT set_masklen(host(network("source"))::inet, masklen("source")) FROM unnest("sources") AS "source")
WHERE EXISTS (SELECT FROM unnest("sources") AS "source" WHERE host("source") <> host(network("source")));
