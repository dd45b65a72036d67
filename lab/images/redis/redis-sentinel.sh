#!/bin/sh
# Starts one Sentinel, which watches both groups. What it learns (who is master, which epoch) it keeps in its own file on its volume.
set -eu
self="${POD_NAME:?}.${DOMAIN:?}"
file=/data/sentinel.conf

# By name: a pod that comes back has another address.
for group in cache queue; do
  first="redis-$group-0.redis-$group.${GROUPS_DOMAIN:?}"
  until getent hosts "$first" >/dev/null; do sleep 0.5; done
done

if [ ! -e "$file" ]; then
  umask 077
  cat >"$file.draft" <<END
port 26379
dir /data
requirepass ${SENTINEL_PASSWORD:?}
sentinel sentinel-pass $SENTINEL_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $self
sentinel announce-port 26379
END
  for group in cache queue; do
    password=$(cat "/etc/redis-passwords/$group")
    cat >>"$file.draft" <<END
sentinel monitor $group redis-$group-0.redis-$group.$GROUPS_DOMAIN 6379 2
sentinel auth-pass $group $password
sentinel down-after-milliseconds $group 3000
sentinel failover-timeout $group 10000
sentinel parallel-syncs $group 1
END
  done
  mv "$file.draft" "$file"
fi
exec redis-sentinel "$file"
