CREATE INDEX "extensions_with_minutes" ON "extensions" USING btree ("id") WHERE "extensions"."max_daily_minutes" is not null;--> statement-breakpoint
CREATE INDEX "providers_registering" ON "providers" USING btree ("id") WHERE "providers"."register";--> statement-breakpoint
CREATE INDEX "trunks_with_minutes" ON "trunks" USING btree ("id") WHERE "trunks"."max_daily_minutes" is not null;