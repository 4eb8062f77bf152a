#!/bin/bash
# Looks whether this machine can carry the bed, and changes nothing. Says all that is missing at
# once, a line each with what to do, and fails if there is anything.
# usage: preflight.sh [full|process]     full (the default) is for `make up`, process for tests
set -uo pipefail
form=${1:-full}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${SPOKEWAY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/spokeway}

# What an earlier run has built need not be built again.
if compgen -G "$cache/tools/helm-*/helm" >/dev/null; then needed_disk_gb=5; else needed_disk_gb=15; fi
needed_memory_mb=3500
missing=()

lack() { missing+=("$1"); }

has() { command -v "$1" >/dev/null 2>&1; }

# The nearest directory that is there already: where the disk is that a path will lie on.
existing() {
  local path=$1
  until [[ -d $path ]]; do path=$(dirname "$path"); done
  printf '%s\n' "$path"
}

# The newest Go that one of the tool modules asks for.
wanted_go() {
  sed -n 's/^go //p' "$here"/tools/{etcd,kubernetes,ocm,coredns,helm}/go.mod | sort -V | tail -1
}

check_system() {
  [[ $(uname -s) == Linux ]] || lack "This is $(uname -s): the bed needs Linux. Use a Linux machine or a virtual one."
  [[ $(uname -m) == x86_64 ]] || lack "This is $(uname -m): the bed has been made for x86_64."
}

check_programs() {
  local program wanted have
  for program in node npm make git; do
    has $program || lack "$program is missing: install it (Debian: nodejs, npm, make, git)."
  done
  wanted=$(wanted_go)
  if ! has go; then
    lack "Go is missing: install Go $wanted or newer and put it on PATH."
  else
    have=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
    if [[ $(printf '%s\n' "$wanted" "$have" | sort -V | head -1) != "$wanted" ]]; then
      lack "Go is ${have:-of no known version}: install Go $wanted or newer and put it first on PATH."
    fi
  fi
  if [[ $form == process ]]; then
    for program in openssl setpriv; do
      has $program || lack "$program is missing: install it (Debian: openssl, util-linux)."
    done
  fi
}

check_disk() {
  local path disk free
  local -A seen=()
  for path in "$cache" "$repository"; do
    path=$(existing "$path")
    disk=$(df -P "$path" | awk 'NR == 2 {print $6}')
    [[ -z ${seen[$disk]:-} ]] || continue
    seen[$disk]=1
    free=$(($(df -Pk "$path" | awk 'NR == 2 {print $4}') / 1024 / 1024))
    ((free >= needed_disk_gb)) || lack "$path has $free GB free: make room for $needed_disk_gb GB, or set SPOKEWAY_CACHE to another disk."
  done
}

check_memory() {
  local free
  free=$(($(awk '$1 == "MemAvailable:" {print $2}' /proc/meminfo) / 1024))
  ((free >= needed_memory_mb)) || lack "$free MB of memory are available: free some, the bed takes $needed_memory_mb MB."
}

check_root() {
  if ((EUID != 0)); then
    lack "You are not root: run it as root (sudo make up); namespaces, mounts and cgroups need it."
    return
  fi
  # A throw-away namespace, which is gone with the command.
  unshare --net --mount --pid --fork true 2>/dev/null ||
    lack "This root may not make namespaces: run outside of the container, or in a privileged one."
  grep -qE '^[^ ]+ [^ ]+ cgroup2? rw' /proc/mounts ||
    lack "No cgroup hierarchy is mounted writable: mount one (systemd does), or run a privileged container with it."
  grep -qw overlay /proc/filesystems || modprobe -n overlay 2>/dev/null ||
    lack "The kernel has no overlay file system: use a kernel with overlayfs."
  if has nft; then
    unshare --net nft add table ip bed-preflight 2>/dev/null ||
      lack "nftables does not work here: use a kernel with nf_tables."
  fi
}

check_debian() {
  [[ -e /etc/debian_version ]] && has apt-get && has dpkg-query ||
    lack "This is not Debian: the bed installs what it needs with apt-get. Use Debian 12 or newer."
}

check_system
if [[ $(uname -s) == Linux ]]; then
  check_disk
  check_memory
fi
check_programs
if [[ $form == full ]]; then
  check_debian
  check_root
fi

if ((${#missing[@]} > 0)); then
  echo "This machine cannot carry the bed yet. Nothing has been changed. Missing:" >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 1
fi
