ALTER TABLE "flows" ADD COLUMN "variables" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
-- What a flow's actions lead to, as 'extension:office1', 'trunk:acme', 'flow:' and 'prompt:' with an id; also those of calls within.
CREATE FUNCTION "flow_uses"("actions" jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT "kind" || ':' || "name"), '{}') FROM (
    SELECT 'extension' AS "kind", coalesce(nullif("d" ->> 'target_name', ''), "d" ->> 'target') AS "name"
      FROM jsonb_path_query("actions", '$.**.destinations[*] ? (@.type == "extension")') AS "d"
    UNION ALL SELECT 'extension', "e" #>> '{}'
      FROM jsonb_path_query("actions", '$.** ? (@.type == "voicemail").option.extension') AS "e"
    UNION ALL SELECT 'trunk', "d" ->> 'target'
      FROM jsonb_path_query("actions", '$.**.destinations[*] ? (@.type == "trunk")') AS "d"
    UNION ALL SELECT 'flow', "f" #>> '{}' FROM jsonb_path_query("actions", '$.**.option.flow_id') AS "f"
    UNION ALL SELECT 'prompt', "p" #>> '{}' FROM jsonb_path_query("actions", '$.**.prompt_id') AS "p"
  ) AS "named" WHERE "name" <> '' AND "name" NOT LIKE '%${%'
$$;--> statement-breakpoint
-- A flow which does otherwise than before has another version, whoever writes it.
CREATE FUNCTION "flow_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."version" := OLD."version" + (NEW."actions" IS DISTINCT FROM OLD."actions" OR NEW."variables" IS DISTINCT FROM OLD."variables")::integer;
  RETURN NEW;
END
$$;--> statement-breakpoint
CREATE TRIGGER "flow_version" BEFORE UPDATE ON "flows" FOR EACH ROW EXECUTE FUNCTION "flow_version"();
