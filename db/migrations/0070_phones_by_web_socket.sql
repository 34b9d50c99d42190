ALTER TYPE "public"."transport" ADD VALUE 'ws';--> statement-breakpoint
ALTER TYPE "public"."transport" ADD VALUE 'wss';