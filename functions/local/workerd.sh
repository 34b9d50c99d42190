#!/bin/sh
# Starts workerd so that it ends with us, even after kill -9, and does not hear the terminal's Ctrl-C:
# we end it ourselves, after the relay has said its last words.
if command -v setpriv >/dev/null && command -v setsid >/dev/null; then
  exec setpriv --pdeathsig KILL setsid "$TRUNKLINE_WORKERD" "$@"
fi
exec "$TRUNKLINE_WORKERD" "$@"
