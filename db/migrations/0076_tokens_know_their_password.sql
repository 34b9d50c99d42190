ALTER TABLE "registration_tokens" ADD COLUMN "password_mark" text;--> statement-breakpoint
CREATE INDEX "registration_tokens_expires_at_index" ON "registration_tokens" USING btree ("expires_at");