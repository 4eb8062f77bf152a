/** Images that the bed makes for itself. No registry knows them. */
export const bedImages = {
  pause: "bed.local/pause:1",
  coredns: "bed.local/coredns:1",
  /** A shell, tar, and the rest of busybox: something to exec into, copy to and forward to. */
  workload: "bed.local/workload:1",
} as const;
