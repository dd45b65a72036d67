#!/bin/sh
# Init of one Kubernetes node: PID 1 of the node's own PID namespace, so that when it dies every process of the node dies with it.
# Arguments: node name, loop device of its volumes, state folder, folder of programs. Runs in the node's network, mount and UTS namespaces.
set -eu
node=$1 device=$2 state=$3 bin=$4
mount --make-rshared /
mount -t proc proc /proc
hostname "$node"
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
# Mounted here and nowhere else: no other node's namespace holds the file system when this node loses its power.
mkdir -p "$state/volumes"
mount -t ext4 -o noatime "$device" "$state/volumes"
# What a machine of its own would not share with its neighbours.
mkdir -p "$state/cni" /var/lib/cni /run/netns /run/containerd /var/log/containers
mount -t tmpfs tmpfs /run/netns
mount -t tmpfs tmpfs /run/containerd
mount -t tmpfs tmpfs /var/log/containers
mount --bind "$state/cni" /var/lib/cni
rm -rf "$state/run"
mkdir -p "$state/run"

# A daemon that ends is started again after a second, as an init system would.
keep() {
  name=$1
  shift
  while true; do
    "$@" >>"$state/$name.log" 2>&1 || true
    echo "$(date -Is) $name ended, starting it again" >>"$state/$name.log"
    sleep 1
  done
}

keep containerd containerd --config "$state/containerd.toml" &
until ctr --address "$state/run/containerd.sock" version >/dev/null 2>&1; do sleep 0.2; done
# A lab that starts anew finds containers of the lab before; the images stay.
if [ -e "$state/fresh" ]; then
  ctr --address "$state/run/containerd.sock" -n k8s.io containers ls -q |
    xargs -r ctr --address "$state/run/containerd.sock" -n k8s.io containers rm >/dev/null 2>&1 || true
  rm -f "$state/fresh"
fi
touch "$state/run/containerd-ready"
keep kubelet "$bin/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$state/kubelet.kubeconfig" \
  --node-ip="$(cat "$state/address")" --hostname-override="$node" --root-dir="$state/kubelet" --v=1 &
keep kube-proxy "$bin/kube-proxy" --config="$state/kube-proxy.yaml" --v=1 &
# PID 1 reaps whatever is left behind.
while true; do
  wait || true
  sleep 1
done
