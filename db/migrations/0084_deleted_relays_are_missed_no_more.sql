-- What an alert on lost relays waits for is one fact more: that one was deleted.
UPDATE "alerts" SET "fed_by" = array_append("fed_by", 'relay.deleted') WHERE "when" ->> 'kind' = 'relay_lost';
