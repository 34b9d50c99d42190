-- The owner of everybody's default routes and providers.
INSERT INTO "customers" ("id", "name", "detail")
VALUES ('00000000-0000-0000-0000-000000000001', 'platform', 'Owns the default routes and providers of every customer.')
ON CONFLICT ("id") DO NOTHING;
