CREATE TABLE "call_messages" (
	"call_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"left_out" integer NOT NULL,
	"messages" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "capture_messages" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "call_messages" ADD CONSTRAINT "call_messages_call_id_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."calls"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- Names and numbers stand all over a message: of a call from which something was erased none is kept.
CREATE FUNCTION "forget_messages"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "call_messages" WHERE "call_id" = NEW."id";
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "calls_erase_messages" AFTER UPDATE OF "erased_at" ON "calls" FOR EACH ROW
  WHEN (NEW."erased_at" IS NOT NULL) EXECUTE FUNCTION "forget_messages"();
