/**
 * The Service, as `namespace/name`, that a host name of the hub's DNS stands for; undefined for any
 * other host.
 */
export function tunnelService(host: string): string | undefined {
  const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
  const match = new RegExp(`^(?<name>${label})\\.(?<namespace>${label})(\\.svc(\\..+)?)?$`).exec(
    host,
  );
  return match?.groups && `${match.groups["namespace"]}/${match.groups["name"]}`;
}
