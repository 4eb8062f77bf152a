import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkTunnelServer } from "./check-tunnel-server.ts";
import { parseFlags } from "./flags.ts";
import { tunnelServerFlags } from "./tunnel-server-flags.ts";

/** A file that can be read; what it holds is looked at later. */
const file = fileURLToPath(import.meta.url);
const frontends = [`--server-cert=${file}`, `--server-key=${file}`, `--server-ca-cert=${file}`];
const pair = [`--cluster-cert=${file}`, `--cluster-key=${file}`];
const agents = [...pair, `--cluster-ca-cert=${file}`];
const socket = ["--uds-name=/run/tunnel.sock", "--server-port=0"];
const tokens = [
  "--agent-namespace=kube-system",
  "--agent-service-account=agent",
  "--authentication-audience=servers",
];

const check = (argv: readonly string[]) => checkTunnelServer(parseFlags(tunnelServerFlags, argv));

describe("checkTunnelServer()", () => {
  const fine: Readonly<Record<string, readonly string[]>> = {
    "certificates on both ports": [...frontends, ...agents],
    "a Unix socket for frontends": [...socket, ...agents],
    "HTTP CONNECT": [...frontends, ...agents, "--mode=http-connect"],
    "agents that are known by tokens": [...frontends, ...pair, ...tokens],
    "a Lease": [...frontends, ...agents, "--enable-lease-controller", "--lease-label=a=b"],
    profiles: [...frontends, ...agents, "--enable-profiling"],
  };
  for (const [name, argv] of Object.entries(fine)) {
    it(`takes ${name}`, () => check(argv));
  }

  const refused: readonly (readonly [message: RegExp, argv: readonly string[]])[] = [
    [/^mode must be set to either 'grpc' or 'http-connect' not "x"$/, ["--mode=x"]],
    [/^server port should be set to 0 not 8090 for UDS$/, [...agents, "--uds-name=/s"]],
    [/^server cert should not be set for UDS$/, [...agents, ...socket, `--server-cert=${file}`]],
    [/^server key should not be set for UDS$/, [...agents, ...socket, `--server-key=${file}`]],
    [
      /^server ca cert should not be set for UDS$/,
      [...agents, ...socket, `--server-ca-cert=${file}`],
    ],
    [/^server ca cert must be set when in TCP mode \(uds-name is empty\)$/, agents],
    [/^cluster ca cert must be set, unless/, [...frontends, ...pair]],
    [
      /^cannot have server key empty when server cert is set/,
      [`--server-cert=${file}`, `--server-ca-cert=${file}`, ...agents],
    ],
    [/^--cluster-ca-cert can not be used when agent auth/, [...frontends, ...agents, ...tokens]],
    [/^--agent-namespace cannot be empty when/, [...frontends, ...pair, ...tokens.slice(1)]],
    [/^--authentication-audience cannot be empty/, [...frontends, ...pair, ...tokens.slice(0, 2)]],
    [
      /--agent-identity=certificate: agents/,
      [...frontends, ...pair, ...tokens, "--agent-identity=certificate"],
    ],
    [
      /--agent-identity=none: expected shared or certificate/,
      [...frontends, ...agents, "--agent-identity=none"],
    ],
    [/ephemeral port 50000 for the agent port$/, [...frontends, ...agents, "--agent-port=50000"]],
    [/reserved port 80 for the health port$/, [...frontends, ...agents, "--health-port=80"]],
    [/reserved port 0 for the server port$/, [...frontends, ...agents, "--server-port=0"]],
    [/^channel size 0 must be greater than 0$/, [...frontends, ...agents, "--xfr-channel-size=0"]],
    [
      /--enable-profiling must also be set$/,
      [...frontends, ...agents, "--enable-contention-profiling"],
    ],
    [/--server-count=0/, [...frontends, ...agents, "--server-count=0"]],
    [/--kubeconfig=\/nowhere: .*ENOENT/, [...frontends, ...agents, "--kubeconfig=/nowhere"]],
    [/--log-file=x: logs go/, [...frontends, ...agents, "--log-file=x"]],
  ];
  for (const [message, argv] of refused) {
    it(`refuses with ${message.source}`, () =>
      assert.rejects(check(argv), { name: "UsageError", message }));
  }
});
