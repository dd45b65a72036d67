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
# A new pod is a stranger to the network policies of the other Kubernetes nodes for a moment. A connection that was refused on its way and
# then made keeps an error in its queue, which Redis never reads: Sentinel would turn in circles at a fifth of a core for as long as it lives.
open_to() {
  timeout 1 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null
}
deadline=$(($(date +%s) + 15))
for n in 0 1 2; do
  for peer in "redis-cache-$n.redis-cache.$GROUPS_DOMAIN:6379" "redis-queue-$n.redis-queue.$GROUPS_DOMAIN:6379"; do
    until open_to "${peer%:*}" "${peer#*:}" || [ "$(date +%s)" -ge "$deadline" ]; do sleep 0.2; done
  done
done
exec redis-sentinel "$file"
