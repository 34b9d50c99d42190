CREATE INDEX "calls_from" ON "calls" USING btree ("customer_id",left("source" ->> 'target', 64),"started_at","id");--> statement-breakpoint
CREATE INDEX "calls_to" ON "calls" USING btree ("customer_id",left("destination" ->> 'target', 64),"started_at","id");--> statement-breakpoint
CREATE INDEX "calls_of_extension" ON "calls" USING btree ("customer_id","extension_id","started_at","id") WHERE "calls"."extension_id" is not null;--> statement-breakpoint
CREATE INDEX "calls_of_trunk" ON "calls" USING btree ("customer_id","trunk_id","started_at","id") WHERE "calls"."trunk_id" is not null;--> statement-breakpoint
CREATE INDEX "calls_over_provider" ON "calls" USING btree ("customer_id","provider_id","started_at","id") WHERE "calls"."provider_id" is not null;--> statement-breakpoint
CREATE INDEX "calls_ended_so" ON "calls" USING btree ("customer_id","hangup_reason","started_at","id") WHERE "calls"."hangup_reason" is not null;--> statement-breakpoint
CREATE INDEX "calls_not_over" ON "calls" USING btree ("customer_id","started_at","id") WHERE "calls"."status" <> 'hangup';--> statement-breakpoint
CREATE INDEX "events_customer_id_type_at_id_index" ON "events" USING btree ("customer_id","type","at","id");