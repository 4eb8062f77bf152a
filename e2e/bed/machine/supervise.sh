#!/bin/bash
# Keeps a program running: starts it again a second after it ends, until told to stop.
# usage: supervise.sh NAME LOG COMMAND...
name=$1 log=$2
shift 2
exec >>"$log" 2>&1 </dev/null
child=
trap 'kill "$child" 2>/dev/null; wait; exit 0' TERM
while :; do
  "$@" &
  child=$!
  wait "$child"
  echo "--- $name ended with $?"
  sleep 1
done
