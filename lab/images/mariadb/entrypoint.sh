#!/bin/sh
# Starts one Galera node. A new cluster is only ever started when the lab says so (BOOTSTRAP_FILE names this pod), the data
# folder is empty and no peer answers: a node that lost its volume joins the others, it never founds an empty cluster.
set -eu
data=/var/lib/mysql/data
name=${POD_NAME:?} peers=${GALERA_PEERS:?} bootstrap_file=${BOOTSTRAP_FILE:-/etc/galera/bootstrap}
options="--defaults-file=/etc/mysql/galera.cnf --datadir=$data --wsrep-node-name=$name --wsrep-node-address=${POD_IP:?}"

# The answer of a peer's own wsrep check; nothing when it is not there.
ask() {
  timeout 2 bash -c "exec 3<>/dev/tcp/$1/9200 && printf 'GET $2 HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3" 2>/dev/null || true
}

# A node that merely looks for others listens as well, but is not Synced.
in_cluster() {
  ask "$1" / | head -n 1 | grep -q ' 200 '
}

# By address: a container that is started again keeps its pod's.
lists_us() {
  for peer in $(echo "$peers" | tr ',' ' '); do
    if [ "${peer%%.*}" != "$name" ] && ask "$peer" /state | grep -qF "$POD_IP:"; then return 0; fi
  done
  return 1
}

# A renewed certificate is taken up without a restart: cert-manager renews the Secret, the kubelet brings its files.
(
  shown=$(cksum </etc/galera-tls/tls.crt)
  while sleep 10; do
    now=$(cksum </etc/galera-tls/tls.crt)
    if [ "$now" != "$shown" ] && mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --execute='flush local ssl'; then
      echo "the renewed certificate is shown from now on"
      shown=$now
    fi
  done
) &

if [ ! -e "$data/mysql" ] && [ ! -e "$data/grastate.dat" ]; then
  if [ "$(cat "$bootstrap_file" 2>/dev/null || true)" = "$name" ]; then
    for peer in $(echo "$peers" | tr ',' ' '); do
      if [ "${peer%%.*}" != "$name" ] && in_cluster "$peer"; then
        echo "peer $peer is in a cluster: joining instead of founding a new one"
        mkdir -p "$data"
        exec mariadbd $options --wsrep-cluster-address="gcomm://$peers"
      fi
    done
    echo "founding the cluster"
    rm -rf "$data.draft"
    mkdir -p "$data.draft"
    mariadb-install-db --no-defaults --datadir="$data.draft" --skip-test-db --auth-root-authentication-method=socket --skip-name-resolve >/dev/null
    rmdir "$data" 2>/dev/null || true
    mv "$data.draft" "$data"
    exec mariadbd $options --wsrep-new-cluster --wsrep-cluster-address="gcomm://$peers" --init-file=/etc/galera-users/init.sql
  fi
  mkdir -p "$data"
fi

# After a crash grastate.dat does not know how far the node was; InnoDB does, and then only the difference is transferred (IST).
# Without a position everything is copied, and the donor, which may be the writer, takes no writes meanwhile.
position=
if [ -e "$data/ibdata1" ]; then
  position=$(mariadbd --defaults-file=/etc/mysql/galera.cnf --datadir="$data" --wsrep-recover --wsrep-cluster-address="gcomm://$peers" --log-error=/dev/stderr 2>&1 |
    sed -n 's/.*WSREP: Recovered position: *\([0-9a-f-]*:-\{0,1\}[0-9]*\).*/\1/p' | tail -n 1)
  echo "recovered position: ${position:-none}"
fi

# A crashed node that is back before the others have given it up (evs.suspect_timeout, 5 s) breaks the group up for several seconds,
# and nobody can write meanwhile. So it waits until its former self is off the list.
for _ in $(seq 60); do
  lists_us || break
  sleep 0.5
done
exec mariadbd $options --wsrep-cluster-address="gcomm://$peers" ${position:+--wsrep-start-position="$position"}
