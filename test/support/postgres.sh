#!/bin/sh
# Runs a command beside a PostgreSQL of its own: a cluster in a temporary folder, on a free port of
# 127.0.0.1, named to the command by TEST_DATABASE_URL and gone when it ends.
#   test/support/postgres.sh npm test -- functions db
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "No PostgreSQL is installed (Debian: apt-get install postgresql)." >&2; exit 1; }

folder=$(mktemp -d)
port=${TEST_POSTGRES_PORT:-25432}
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
stop() {
  as_postgres "$bin/pg_ctl" -D "$folder/cluster" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

[ "$(id -u)" != 0 ] || chown postgres "$folder"
as_postgres "$bin/initdb" -D "$folder/cluster" -U trunkline -A trust -E UTF8 --no-sync >/dev/null
as_postgres "$bin/pg_ctl" -D "$folder/cluster" -l "$folder/log" -w \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off -c timezone=Asia/Kolkata" start >/dev/null

TEST_DATABASE_URL="postgres://trunkline@127.0.0.1:$port/postgres" "$@"
