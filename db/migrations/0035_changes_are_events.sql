-- Every change that is kept is an event too, of the same id: which fields it changed, by the names of their columns, and not how.
-- What was written as it was before is none.
CREATE FUNCTION "tell_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "events" ("id", "customer_id", "type", "at", "subject_id", "data")
  SELECT "id", "customer_id", "resource_type" || CASE WHEN NOT "lives" THEN '.deleted' WHEN "lived" THEN '.updated' ELSE '.created' END,
    "at", "resource_id", jsonb_build_object('change_id', "id", 'version', "version", 'key_id', "key_id", 'request_id', "request_id",
      'changed', "changed")
  FROM "new_rows",
    LATERAL (SELECT "before" IS NOT NULL AND "before" ->> 'deleted_at' IS NULL AS "lived",
      "after" IS NOT NULL AND "after" ->> 'deleted_at' IS NULL AS "lives") AS "life",
    LATERAL (SELECT CASE WHEN "lives" AND "lived" THEN (
      SELECT coalesce(jsonb_agg("key"), '[]') FROM jsonb_each("after") WHERE "value" IS DISTINCT FROM "before" -> "key" AND "key" <> 'updated_at')
        || CASE WHEN "secret_changed" THEN jsonb_build_array(CASE "resource_type" WHEN 'accesskey' THEN 'token' WHEN 'webhook' THEN 'secret' ELSE 'password' END) ELSE '[]' END
      ELSE '[]' END AS "changed") AS "difference"
  WHERE "lives" <> "lived" OR "changed" <> '[]' ORDER BY "at";
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "changes_told" AFTER INSERT ON "changes" REFERENCING NEW TABLE AS "new_rows"
  FOR EACH STATEMENT EXECUTE FUNCTION "tell_changes"();
