#!/bin/bash
# Process 1 of a machine: everything on it, its mounts included, ends with this process.
# usage: init.sh NAME DIRECTORY
set -euo pipefail
name=$1 directory=$2

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
# The kubelet and the CNI plugins write to these, whatever they are told.
for path in log lib/kubelet lib/cni; do
  mkdir -p "$directory/var/$path"
  mount --bind "$directory/var/$path" "/var/$path"
done
# Volumes that the kubelet mounts must reach the containers.
mount --make-rshared /
hostname "$name"
echo 1 >/proc/sys/net/ipv4/ip_forward
if [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
  echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
fi
touch "$directory/machine-ready"

# Bash reaps the orphans of the machine whenever it waits.
while :; do
  sleep infinity &
  wait $!
done
