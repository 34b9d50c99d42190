-- What an alert watches for follows from its condition, and is no field of its own; its secret is PagerDuty's key.
CREATE OR REPLACE FUNCTION "tell_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "events" ("id", "customer_id", "type", "at", "subject_id", "data")
  SELECT "id", "customer_id", "resource_type" || CASE WHEN NOT "lives" THEN '.deleted' WHEN "lived" THEN '.updated' ELSE '.created' END,
    "at", "resource_id", jsonb_build_object('change_id', "id", 'version', "version", 'key_id', "key_id", 'request_id', "request_id",
      'changed', "changed")
  FROM "new_rows",
    LATERAL (SELECT "before" IS NOT NULL AND "before" ->> 'deleted_at' IS NULL AS "lived",
      "after" IS NOT NULL AND "after" ->> 'deleted_at' IS NULL AS "lives") AS "life",
    LATERAL (SELECT CASE WHEN "lives" AND "lived" THEN (
      SELECT coalesce(jsonb_agg("key"), '[]') FROM jsonb_each("after") WHERE "value" IS DISTINCT FROM "before" -> "key"
          AND "key" <> 'updated_at' AND NOT ("resource_type" = 'alert' AND "key" IN ('since', 'fed_by')))
        || CASE WHEN "secret_changed" THEN jsonb_build_array(CASE "resource_type" WHEN 'accesskey' THEN 'token' WHEN 'webhook' THEN 'secret'
          WHEN 'alert' THEN 'routing_key' ELSE 'password' END) ELSE '[]' END
      ELSE '[]' END AS "changed") AS "difference"
  WHERE "lives" <> "lived" OR "changed" <> '[]' ORDER BY "at";
  RETURN NULL;
END
$$;
