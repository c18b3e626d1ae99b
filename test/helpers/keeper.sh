#!/bin/sh
# Ends a ProFTPD and removes what it leaves, once standard input closes: that is, when stop() says so or when the
# test process is gone, however it went.
# usage: keeper.sh PROCESS-GROUP DIRECTORY; the directory holds `queue`, the daemon's MessageQueue.
group=$1
directory=$2
read -r _

# ftok(3), with the project id mod_msg uses. Known only as long as the file is there.
key=
if [ -e "$directory/queue" ]; then
  set -- $(stat -c '%d %i' "$directory/queue")
  key=$(((0xf6 << 24) | (($1 & 0xff) << 16) | ($2 & 0xffff)))
fi

# ProFTPD removes its queue by itself on SIGTERM, unless it hangs.
kill -s TERM -- "-$group" 2>/dev/null
tries=0
while kill -s 0 -- "-$group" 2>/dev/null; do
  tries=$((tries + 1))
  if [ $tries -gt 40 ]; then
    kill -s KILL -- "-$group" 2>/dev/null
    break
  fi
  sleep 0.05
done

[ -z "$key" ] || ipcrm -Q "$key" 2>/dev/null
rm -rf -- "$directory"
