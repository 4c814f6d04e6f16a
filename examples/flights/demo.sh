#!/usr/bin/env bash
# The demo of the flights. Usage: demo.sh start | stop
exec "$(dirname "$0")/../demo.sh" flights "$@"
