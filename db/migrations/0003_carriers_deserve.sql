CREATE TYPE "public"."health_status" AS ENUM('unknown', 'healthy', 'unhealthy', 'half_open');--> statement-breakpoint
CREATE TYPE "public"."registration_status" AS ENUM('not_registered', 'pending', 'registered', 'failed', 'auth_failed');--> statement-breakpoint
CREATE TYPE "public"."resource" AS ENUM('channels', 'cps');--> statement-breakpoint
CREATE TYPE "public"."scope_kind" AS ENUM('customer', 'extension', 'trunk', 'provider');--> statement-breakpoint
CREATE TABLE "attempts" (
	"call_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"customer_id" uuid NOT NULL,
	"provider_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"started_at" timestamp (6) with time zone NOT NULL,
	"ended_at" timestamp (6) with time zone,
	"status" integer NOT NULL,
	"pdd_ms" integer,
	"answered_at" timestamp (6) with time zone,
	"talked_seconds" real,
	CONSTRAINT "attempts_call_id_position_pk" PRIMARY KEY("call_id","position")
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"body" jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"taken_at" timestamp (6) with time zone,
	"done_at" timestamp (6) with time zone,
	"result" jsonb
);
--> statement-breakpoint
CREATE TABLE "configuration" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "configuration_is_one_row" CHECK ("configuration"."only")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid,
	"type" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"relay_id" text,
	"subject_id" uuid,
	"data" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"call_id" uuid NOT NULL,
	"scope_kind" "scope_kind" NOT NULL,
	"scope_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"taken_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leases_call_id_scope_kind_scope_id_pk" PRIMARY KEY("call_id","scope_kind","scope_id")
);
--> statement-breakpoint
CREATE TABLE "provider_health" (
	"provider_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"status" "health_status" NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"checked_at" timestamp (6) with time zone NOT NULL,
	"latency_ms" real,
	"why" text DEFAULT '' NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_registrations" (
	"provider_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"epoch" bigint NOT NULL,
	"status" "registration_status" NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"until" timestamp (6) with time zone,
	"sip_status" integer,
	"why" text DEFAULT '' NOT NULL,
	"next_at" timestamp (6) with time zone,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_reports" (
	"provider_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"customer_id" uuid NOT NULL,
	"status" "health_status" NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"latency_ms" real,
	"last" jsonb,
	"why" text DEFAULT '' NOT NULL,
	"reported_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "provider_reports_provider_id_relay_id_pk" PRIMARY KEY("provider_id","relay_id")
);
--> statement-breakpoint
CREATE TABLE "relays" (
	"id" text PRIMARY KEY NOT NULL,
	"boot_id" uuid NOT NULL,
	"started_at" timestamp (6) with time zone NOT NULL,
	"beat_at" timestamp (6) with time zone NOT NULL,
	"draining" boolean NOT NULL,
	"address" text NOT NULL,
	"port" integer NOT NULL,
	"version" bigint NOT NULL,
	"waiting_tells" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "slices" (
	"scope_kind" "scope_kind" NOT NULL,
	"scope_id" uuid NOT NULL,
	"resource" "resource" NOT NULL,
	"relay_id" text NOT NULL,
	"customer_id" uuid NOT NULL,
	"amount" integer NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "slices_scope_id_scope_kind_resource_relay_id_pk" PRIMARY KEY("scope_id","scope_kind","resource","relay_id")
);
--> statement-breakpoint
CREATE TABLE "trunks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"domain_name" text NOT NULL,
	"auth_types" text[] NOT NULL,
	"username" text,
	"sealed_md5" text,
	"sealed_sha256" text,
	"digest_algorithms" text[],
	"allowed_ips" text[] DEFAULT '{}' NOT NULL,
	"sources" "inet"[] DEFAULT '{}' NOT NULL,
	"hostname" text,
	"port" integer,
	"transport" "transport",
	"tls_verify" text DEFAULT 'full' NOT NULL,
	"tls_fingerprint" text,
	"codecs" text DEFAULT '' NOT NULL,
	"called_format" text DEFAULT '+e164' NOT NULL,
	"calling_format" text DEFAULT '+e164' NOT NULL,
	"country" text,
	"caller_ids" text[] DEFAULT '{}' NOT NULL,
	"max_contacts" integer DEFAULT 5 NOT NULL,
	"min_expires" integer DEFAULT 60 NOT NULL,
	"max_expires" integer DEFAULT 3600 NOT NULL,
	"default_expires" integer DEFAULT 3600 NOT NULL,
	"ring_timeout" integer DEFAULT 60 NOT NULL,
	"max_channels" integer,
	"max_cps" integer,
	"max_daily_minutes" integer,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "trunk_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
DROP INDEX "number_taken";--> statement-breakpoint
ALTER TABLE "bindings" ALTER COLUMN "extension_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "bindings" ADD COLUMN "trunk_id" uuid;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "extension_id" uuid;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "trunk_id" uuid;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "decision" jsonb;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "blocked_prefixes" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "max_channels" integer;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "max_cps" integer;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "max_daily_minutes" integer;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "max_channels" integer;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "max_cps" integer;--> statement-breakpoint
ALTER TABLE "extensions" ADD COLUMN "max_daily_minutes" integer;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "number_to" text;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "provider_customer_id" uuid;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "provider_id" uuid;--> statement-breakpoint
ALTER TABLE "numbers" ADD COLUMN "trunk_id" uuid;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "called_format" text DEFAULT '+e164' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "calling_format" text DEFAULT '+e164' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "asserted_format" text DEFAULT '+e164' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "country" text;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "tls_verify" text DEFAULT 'full' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "tls_fingerprint" text;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "realm" text;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "register" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "register_expires" integer DEFAULT 3600 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "probe_interval" integer DEFAULT 30 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "probe_accept" integer[];--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "max_channels" integer;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "max_cps" integer;--> statement-breakpoint
ALTER TABLE "routes" ADD COLUMN "time_window" jsonb;--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_call_id_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "commands" ADD CONSTRAINT "commands_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "trunks" ADD CONSTRAINT "trunks_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempts_provider_id_started_at_index" ON "attempts" USING btree ("provider_id","started_at");--> statement-breakpoint
CREATE INDEX "commands_waiting" ON "commands" USING btree ("relay_id") WHERE "commands"."taken_at" is null;--> statement-breakpoint
CREATE INDEX "events_customer_id_at_id_index" ON "events" USING btree ("customer_id","at","id");--> statement-breakpoint
CREATE INDEX "events_subject_id_at_index" ON "events" USING btree ("subject_id","at");--> statement-breakpoint
CREATE INDEX "leases_scope_id_index" ON "leases" USING btree ("scope_id");--> statement-breakpoint
CREATE INDEX "leases_relay_id_index" ON "leases" USING btree ("relay_id");--> statement-breakpoint
CREATE UNIQUE INDEX "trunk_domain_taken" ON "trunks" USING btree ("domain_name") WHERE "trunks"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "trunks_customer_id_created_at_id_index" ON "trunks" USING btree ("customer_id","created_at","id");--> statement-breakpoint
ALTER TABLE "bindings" ADD CONSTRAINT "binding_trunk" FOREIGN KEY ("customer_id","trunk_id") REFERENCES "public"."trunks"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "number_trunk" FOREIGN KEY ("customer_id","trunk_id") REFERENCES "public"."trunks"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "number_provider" FOREIGN KEY ("provider_customer_id","provider_id") REFERENCES "public"."providers"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bindings_customer_id_trunk_id_index" ON "bindings" USING btree ("customer_id","trunk_id");--> statement-breakpoint
CREATE INDEX "calls_answered" ON "calls" USING btree ("customer_id","answered_at") WHERE "calls"."answered_at" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "number_any_taken" ON "numbers" USING btree ("customer_id","provider_id") WHERE "numbers"."deleted_at" is null and "numbers"."number" = 'any';--> statement-breakpoint
CREATE INDEX "number_ranges" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null and "numbers"."number_to" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "number_taken" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null and "numbers"."number" <> 'any';--> statement-breakpoint
ALTER TABLE "calls" DROP COLUMN "explanation";--> statement-breakpoint
-- What was called "plain" is e164 without its plus now.
UPDATE "providers" SET "called_format" = 'e164' WHERE "number_format" = 'plain';--> statement-breakpoint
ALTER TABLE "providers" DROP COLUMN "number_format";--> statement-breakpoint
ALTER TABLE "bindings" ADD CONSTRAINT "binding_of_one" CHECK (num_nonnulls("bindings"."extension_id", "bindings"."trunk_id") = 1);--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "number_provider_own_or_platform" CHECK ("numbers"."provider_customer_id" = "numbers"."customer_id" or "numbers"."provider_customer_id" = '00000000-0000-0000-0000-000000000001');--> statement-breakpoint
DROP TYPE "public"."number_format";