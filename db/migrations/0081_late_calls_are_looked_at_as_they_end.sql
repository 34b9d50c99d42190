-- A call which began before something was to be erased, and is told after that while it goes on, is looked at as it ends, whatever it says
-- until then: a number may come into it later.
CREATE OR REPLACE FUNCTION "erase_late_call"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "e" "erasures";
BEGIN
  FOR "e" IN SELECT * FROM "erasures" AS "x" WHERE "x"."customer_id" = NEW."customer_id" AND "x"."created_at" >= NEW."started_at"
    AND "x"."pattern" IS NOT NULL AND ("x"."status" = 'completed' OR "x"."created_at" < now() - interval '2 seconds') ORDER BY "x"."created_at", "x"."id"
  LOOP
    IF NEW."status" <> 'hangup' THEN
      UPDATE "calls" SET "erase_when_over" = true WHERE "id" = NEW."id" AND NOT "erase_when_over";
      RETURN NULL;
    END IF;
    CONTINUE WHEN NOT "erases"("e", NEW);
    PERFORM "erase_call"("e", NEW."id");
    -- Those of before have their number, which is what they are found by; those of this transaction are given theirs as it commits.
    PERFORM "erase_event"("e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = NEW."id" AND "v"."sequence" IS NOT NULL;
    PERFORM "erase_event"("e", "v"."id") FROM "events" AS "v" WHERE "v"."subject_id" = NEW."id" AND "v"."sequence" IS NULL;
    UPDATE "recordings" SET "deleted_at" = now(), "updated_at" = now()
    WHERE "customer_id" = NEW."customer_id" AND "call_id" = NEW."id" AND "deleted_at" IS NULL AND "e"."extension_id" IS NULL;
  END LOOP;
  RETURN NULL;
END
$$;
