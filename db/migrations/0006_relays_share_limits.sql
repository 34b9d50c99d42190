ALTER TABLE "relays" ADD COLUMN "told_at" timestamp (6) with time zone DEFAULT '-infinity' NOT NULL;--> statement-breakpoint
ALTER TABLE "slices" ADD COLUMN "used" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "slices" ADD COLUMN "wanted" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- How a provider was doing at its old place says nothing of the new one; one switched off is not looked at.
CREATE FUNCTION "provider_looked_at_anew"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "provider_reports" WHERE "provider_id" = NEW."id";
  WITH "was" AS (SELECT "status" FROM "provider_health" WHERE "provider_id" = NEW."id" AND "status" <> 'unknown' FOR UPDATE),
  "reset" AS (
    UPDATE "provider_health" SET "status" = 'unknown', "since" = now(), "checked_at" = now(), "latency_ms" = NULL,
      "why" = 'nobody has looked since it was changed'
    WHERE "provider_id" = NEW."id" AND EXISTS (SELECT 1 FROM "was")
  )
  INSERT INTO "events" ("id", "customer_id", "type", "at", "subject_id", "data")
  SELECT gen_random_uuid(), NEW."customer_id", 'provider.health_changed', now(), NEW."id", jsonb_build_object(
    'from', "was"."status", 'to', 'unknown', 'why', 'nobody has looked since it was changed', 'relays', '[]'::jsonb)
  FROM "was";
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "provider_moved" AFTER UPDATE ON "providers" FOR EACH ROW
  WHEN ((OLD."hostname", OLD."port", OLD."transport", OLD."enabled", OLD."deleted_at")
    IS DISTINCT FROM (NEW."hostname", NEW."port", NEW."transport", NEW."enabled", NEW."deleted_at"))
  EXECUTE FUNCTION "provider_looked_at_anew"();
