/**
 * The host of a dial address, as the strategies compare it: plain strings, no canonical form.
 *
 * `[::1]:80` and `::1` both give `::1`. The rules for addresses without a port are upstream's.
 */
export function hostOfAddress(address: string): string {
  const colons = address.split(":").length - 1;
  if (colons <= 1) return address.split(":")[0] ?? "";
  const host = address.includes("[") ? address.slice(0, address.lastIndexOf(":")) : address;
  return host.replace(/^[[\]]+|[[\]]+$/g, "");
}
