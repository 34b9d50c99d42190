ALTER TABLE "calls" ADD COLUMN "flow" jsonb;--> statement-breakpoint
-- A number which is erased from a call is in what its flow went through, too.
DO $do$ BEGIN
  EXECUTE replace(replace(pg_get_functiondef('"erase_step"(integer)'::regprocedure),
    '"c"."decision", "c"."reject_message")', '"c"."decision", "c"."flow", "c"."reject_message")'),
    '"decision" = "erased"("decision", "e"."pattern"),', '"decision" = "erased"("decision", "e"."pattern"), "flow" = "erased"("flow", "e"."pattern"),');
END $do$;
