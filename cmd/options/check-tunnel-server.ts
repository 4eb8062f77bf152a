import { UsageError } from "./flags.ts";
import { checkProfiling } from "./konnectivity-flags.ts";
import { checkFile, checkPair } from "./tls-flags.ts";
import { tunnelServerFlags, type TunnelServerValues as Values } from "./tunnel-server-flags.ts";
import { klogReasons, refuseUnsupported } from "./unsupported.ts";

/** Whether agents are known by tokens instead of certificates. */
export function hasTokenAuthentication(values: Values): boolean {
  return values["agent-namespace"] !== "";
}

/** Throws a UsageError for flags that do not fit together, in upstream's words where it has some. */
export async function checkTunnelServer(values: Values): Promise<void> {
  refuseUnsupported(tunnelServerFlags, values, klogReasons);
  for (const check of [checkMode, checkFrontends, checkAgents, checkIdentity, checkNumbers]) {
    check(values);
  }
  for (const prefix of ["server", "cluster"] as const) await checkFiles(values, prefix);
  await checkFile("kubeconfig", values.kubeconfig);
}

function checkMode({ mode }: Values): void {
  if (mode === "grpc" || mode === "http-connect") return;
  throw new UsageError(`mode must be set to either 'grpc' or 'http-connect' not "${mode}"`);
}

function checkFrontends(values: Values): void {
  if (values["uds-name"] === "") {
    if (values["server-ca-cert"] !== "") return;
    throw new UsageError("server ca cert must be set when in TCP mode (uds-name is empty)");
  }
  const port = values["server-port"];
  if (port !== 0) throw new UsageError(`server port should be set to 0 not ${port} for UDS`);
  for (const flag of ["server-key", "server-cert", "server-ca-cert"] as const) {
    if (values[flag] === "") continue;
    throw new UsageError(`${flag.replaceAll("-", " ")} should not be set for UDS`);
  }
}

const tokenFlags = ["agent-namespace", "agent-service-account", "authentication-audience"] as const;

function checkAgents(values: Values): void {
  const hasTokens = tokenFlags.some((flag) => values[flag] !== "");
  if (!hasTokens) {
    if (values["cluster-ca-cert"] !== "") return;
    throw new UsageError(
      "cluster ca cert must be set, unless agents are known by tokens (--agent-namespace)",
    );
  }
  if (values["cluster-ca-cert"] !== "") {
    throw new UsageError("--cluster-ca-cert can not be used when agent authentication is enabled");
  }
  for (const flag of tokenFlags) {
    if (values[flag] !== "") continue;
    throw new UsageError(`--${flag} cannot be empty when agent authentication is enabled`);
  }
}

function checkIdentity(values: Values): void {
  const identity = values["agent-identity"];
  if (identity !== "shared" && identity !== "certificate") {
    throw new UsageError(`Cannot use --agent-identity=${identity}: expected shared or certificate`);
  }
  if (identity === "certificate" && hasTokenAuthentication(values)) {
    throw new UsageError(
      "Cannot use --agent-identity=certificate: agents that are known by tokens show no certificate",
    );
  }
}

function checkNumbers(values: Values): void {
  for (const name of ["server", "agent", "health", "admin"] as const) {
    checkPort(name, values[`${name}-port`], name === "server" && values["uds-name"] !== "");
  }
  if (values["xfr-channel-size"] <= 0) {
    throw new UsageError(`channel size ${values["xfr-channel-size"]} must be greater than 0`);
  }
  checkProfiling(values);
  for (const flag of ["graceful-shutdown-timeout", "backend-dial-timeout"] as const) {
    if (values[flag] < 0) throw new UsageError(`${flag} must be >= 0, got ${values[flag]}ms`);
  }
  if (values["server-count"] < 1) {
    throw new UsageError(
      `Cannot use --server-count=${values["server-count"]}: at least 1 is needed`,
    );
  }
}

async function checkFiles(values: Values, prefix: "server" | "cluster"): Promise<void> {
  const pair = { certFlag: `${prefix}-cert`, keyFlag: `${prefix}-key` } as const;
  const [cert, key] = [values[pair.certFlag], values[pair.keyFlag]];
  checkPair({ ...pair, cert, key });
  const isPlain = prefix === "server" && values["uds-name"] !== "";
  if (cert === "" && !isPlain) throw new UsageError(`${prefix} cert must be set`);
  for (const flag of [pair.certFlag, pair.keyFlag, `${prefix}-ca-cert`] as const) {
    await checkFile(flag, values[flag]);
  }
}

const [firstUserPort, lastUserPort] = [1024, 49_151];

function checkPort(name: string, port: number, mayBeReserved: boolean): void {
  if (port > lastUserPort) {
    throw new UsageError(`please do not try to use ephemeral port ${port} for the ${name} port`);
  }
  if (port < firstUserPort && !mayBeReserved) {
    throw new UsageError(`please do not try to use reserved port ${port} for the ${name} port`);
  }
}
