CREATE TYPE "public"."call_status" AS ENUM('dialing', 'ringing', 'progressing', 'terminating', 'canceling', 'hangup');--> statement-breakpoint
CREATE TYPE "public"."direction" AS ENUM('incoming', 'outgoing', 'internal');--> statement-breakpoint
CREATE TYPE "public"."hangup_party" AS ENUM('caller', 'callee', 'system');--> statement-breakpoint
CREATE TYPE "public"."hangup_reason" AS ENUM('normal', 'failed', 'busy', 'cancel', 'timeout', 'noanswer', 'dialout', 'rejected', 'media_timeout', 'relay_lost');--> statement-breakpoint
CREATE TYPE "public"."number_format" AS ENUM('e164', 'plain');--> statement-breakpoint
CREATE TYPE "public"."transport" AS ENUM('udp', 'tcp', 'tls');--> statement-breakpoint
CREATE TABLE "access_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"hash" text NOT NULL,
	"prefix" text NOT NULL,
	"admin" boolean DEFAULT false NOT NULL,
	"expires_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "access_key_hash" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "bindings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"extension_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"sequence" bigint NOT NULL,
	"event" text NOT NULL,
	"contact" text NOT NULL,
	"q" real NOT NULL,
	"call_id" text NOT NULL,
	"cseq" bigint NOT NULL,
	"transport" "transport" NOT NULL,
	"address" text NOT NULL,
	"port" integer NOT NULL,
	"path" text[] NOT NULL,
	"user_agent" text NOT NULL,
	"registered_at" timestamp (6) with time zone NOT NULL,
	"refreshed_at" timestamp (6) with time zone NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"relay_id" text NOT NULL,
	"sequence" bigint NOT NULL,
	"direction" "direction" NOT NULL,
	"source" jsonb NOT NULL,
	"destination" jsonb NOT NULL,
	"number_id" uuid,
	"provider_id" uuid,
	"status" "call_status" NOT NULL,
	"unverified" boolean NOT NULL,
	"sip_call_id" text NOT NULL,
	"started_at" timestamp (6) with time zone NOT NULL,
	"ringing_at" timestamp (6) with time zone,
	"answered_at" timestamp (6) with time zone,
	"ended_at" timestamp (6) with time zone,
	"hangup_by" "hangup_party",
	"hangup_reason" "hangup_reason",
	"sip_status" integer,
	"attempts" jsonb NOT NULL,
	"media" jsonb,
	"explanation" jsonb NOT NULL,
	"reject_reason" text,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "customers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"email" text DEFAULT '' NOT NULL,
	"default_country" text DEFAULT 'US' NOT NULL,
	"calling_code" text DEFAULT '1' NOT NULL,
	"destination_whitelist" text[],
	"require_caller_id" boolean DEFAULT false NOT NULL,
	"default_outgoing_number_id" uuid,
	"use_default_routes" boolean DEFAULT true NOT NULL,
	"digest_algorithms" text[] DEFAULT '{"MD5"}' NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "extensions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"extension" text NOT NULL,
	"sealed_md5" text NOT NULL,
	"sealed_sha256" text NOT NULL,
	"digest_algorithms" text[],
	"caller_id" text,
	"max_contacts" integer DEFAULT 5 NOT NULL,
	"min_expires" integer DEFAULT 60 NOT NULL,
	"max_expires" integer DEFAULT 3600 NOT NULL,
	"default_expires" integer DEFAULT 3600 NOT NULL,
	"ring_timeout" integer DEFAULT 60 NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "extension_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
CREATE TABLE "flows" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"type" text DEFAULT 'flow' NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"actions" jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "flow_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
CREATE TABLE "numbers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"number" text NOT NULL,
	"country" text,
	"type" text DEFAULT 'normal' NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"extension_id" uuid,
	"call_flow_id" uuid,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "number_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
CREATE TABLE "providers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"type" text DEFAULT 'sip' NOT NULL,
	"hostname" text NOT NULL,
	"port" integer,
	"transport" "transport",
	"codecs" text DEFAULT '' NOT NULL,
	"tech_prefix" text DEFAULT '' NOT NULL,
	"tech_postfix" text DEFAULT '' NOT NULL,
	"tech_headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"number_format" "number_format" DEFAULT 'e164' NOT NULL,
	"username" text,
	"sealed_password" text,
	"inbound_addresses" text[] DEFAULT '{}' NOT NULL,
	"sources" "inet"[] DEFAULT '{}' NOT NULL,
	"failover" jsonb,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "provider_of_customer" UNIQUE("customer_id","id")
);
--> statement-breakpoint
CREATE TABLE "routes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"name" text NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"provider_customer_id" uuid NOT NULL,
	"provider_id" uuid NOT NULL,
	"target" text DEFAULT 'all' NOT NULL,
	"priority" integer NOT NULL,
	"weight" integer DEFAULT 0 NOT NULL,
	"failover" jsonb,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "route_of_customer" UNIQUE("customer_id","id"),
	CONSTRAINT "route_provider_own_or_platform" CHECK ("routes"."provider_customer_id" = "routes"."customer_id" or "routes"."provider_customer_id" = '00000000-0000-0000-0000-000000000001')
);
--> statement-breakpoint
ALTER TABLE "access_keys" ADD CONSTRAINT "access_keys_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bindings" ADD CONSTRAINT "bindings_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bindings" ADD CONSTRAINT "binding_extension" FOREIGN KEY ("customer_id","extension_id") REFERENCES "public"."extensions"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "extensions" ADD CONSTRAINT "extensions_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "flows" ADD CONSTRAINT "flows_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "numbers_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "number_extension" FOREIGN KEY ("customer_id","extension_id") REFERENCES "public"."extensions"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "numbers" ADD CONSTRAINT "number_flow" FOREIGN KEY ("customer_id","call_flow_id") REFERENCES "public"."flows"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routes" ADD CONSTRAINT "routes_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routes" ADD CONSTRAINT "route_provider" FOREIGN KEY ("provider_customer_id","provider_id") REFERENCES "public"."providers"("customer_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "access_keys_customer_id_created_at_id_index" ON "access_keys" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "bindings_customer_id_extension_id_index" ON "bindings" USING btree ("customer_id","extension_id");--> statement-breakpoint
CREATE INDEX "bindings_customer_id_registered_at_id_index" ON "bindings" USING btree ("customer_id","registered_at","id");--> statement-breakpoint
CREATE INDEX "bindings_relay_id_expires_at_index" ON "bindings" USING btree ("relay_id","expires_at");--> statement-breakpoint
CREATE INDEX "calls_customer_id_started_at_id_index" ON "calls" USING btree ("customer_id","started_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "extension_name" ON "extensions" USING btree ("customer_id","extension") WHERE "extensions"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "extensions_customer_id_created_at_id_index" ON "extensions" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "flows_customer_id_created_at_id_index" ON "flows" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "number_taken" ON "numbers" USING btree ("number") WHERE "numbers"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "numbers_customer_id_created_at_id_index" ON "numbers" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "providers_customer_id_created_at_id_index" ON "providers" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "routes_customer_id_target_index" ON "routes" USING btree ("customer_id","target") WHERE "routes"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "routes_customer_id_created_at_id_index" ON "routes" USING btree ("customer_id","created_at","id");--> statement-breakpoint
CREATE INDEX "routes_provider_customer_id_provider_id_index" ON "routes" USING btree ("provider_customer_id","provider_id");