#!/bin/sh
# Starts one Redis of a group. Who is master is not in its configuration: the Sentinels know, and only when none of them has ever
# seen the group is it pod 0. So a pod that comes back after a failover comes back as a replica.
set -eu
group=${GROUP:?} name=${POD_NAME:?} domain=${DOMAIN:?} password=${REDIS_PASSWORD:?}
self="$name.$domain"
first="${name%-*}-0.$domain"

# host of the master as a Sentinel has it; nothing when it doesn't answer.
ask_sentinel() {
  REDISCLI_AUTH=$SENTINEL_PASSWORD timeout 2 redis-cli -h "$1" -p 26379 --no-auth-warning sentinel get-master-addr-by-name "$group" 2>/dev/null | head -n 1
}

master=
for round in 1 2 3; do
  for sentinel in $(echo "${SENTINELS:?}" | tr ',' ' '); do
    master=$(ask_sentinel "$sentinel" || true)
    case $master in *.*) break 2 ;; *) master= ;; esac
  done
  # Sentinels of a new lab start with the group; those of an old one may be a moment away.
  sleep 1
done
master=${master:-$first}

mkdir -p /data/redis
cat >/run/redis/redis.conf <<END
bind 0.0.0.0
port 6379
dir /data/redis
requirepass $password
masterauth $password
replica-announce-ip $self
replica-announce-port 6379
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-backlog-size 8mb
tcp-keepalive 30
$(cat /etc/redis-group/redis.conf)
END
if [ "$master" != "$self" ]; then
  echo "replica of $master"
  echo "replicaof $master 6379" >>/run/redis/redis.conf
else
  echo "master"
fi

# A node that lost its power may leave zeros where the log's last, unsynced commands would be; the server skips a short end, not that.
# The log ends at its last whole command then: no more goes than appendfsync everysec lets go. A replica whose files can't be mended
# takes everything from its master; a master stays down, for its operator to see.
log=/data/redis/appendonlydir/appendonly.aof.manifest
if [ -f "$log" ] && ! redis-check-aof "$log" >/run/redis/check 2>&1; then
  grep 'AOF analyzed' /run/redis/check | tail -n 1
  if yes | redis-check-aof --fix "$log" >/run/redis/check 2>&1; then
    echo "the append-only file ended in what a power loss left; it was cut there"
  elif [ "$master" != "$self" ]; then
    echo "the append-only file can't be mended; all comes from $master, the files stay in /data/redis/broken"
    rm -rf /data/redis/broken
    mv /data/redis/appendonlydir /data/redis/broken
  fi
fi
exec redis-server /run/redis/redis.conf
