-- Whose a token is, by its hash: as one object, with instants only where they have passed; null where there is no such key,
-- or it or its customer is deleted. A function in PL/pgSQL keeps its plan, and making one cost more than looking. It is
-- volatile: a change which waited for its turn sees what happened meanwhile.
CREATE FUNCTION "key_holder"("token_hash" text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('key_id', "k"."id", 'customer_id', "k"."customer_id", 'admin', "k"."admin", 'scopes', "k"."scopes",
      'expired_at', CASE WHEN "k"."expires_at" <= now() THEN "k"."expires_at" END,
      'replaced_at', CASE WHEN "token"."until" <= now() THEN "token"."until" END)
    FROM (SELECT "id" AS "key_id", NULL::timestamptz AS "until" FROM "access_keys" WHERE "hash" = "token_hash"
      UNION ALL SELECT "key_id", "expires_at" FROM "replaced_tokens" WHERE "hash" = "token_hash") AS "token"
    JOIN "access_keys" AS "k" ON "k"."id" = "token"."key_id" AND "k"."deleted_at" IS NULL
    JOIN "customers" AS "c" ON "c"."id" = "k"."customer_id" AND "c"."deleted_at" IS NULL);
END
$$;
