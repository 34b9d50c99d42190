ALTER TABLE "extensions" ADD COLUMN "password_hash" text;--> statement-breakpoint
ALTER TABLE "trunks" ADD COLUMN "password_hash" text;--> statement-breakpoint
-- Where a phone was is also what its signalling named, and what was said of a try at it.
DO $$
BEGIN
  EXECUTE replace(pg_get_functiondef('"erase_step"(integer)'::regprocedure), '{address,sdp_address,',
    '{address,sdp_address,sdp_origin,contact_address,via_address,message,');
END
$$;
