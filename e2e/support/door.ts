import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ClusterApi, type FullBed, waitFor } from "#bed";
import { certificatePath, keyPath } from "../bed/cluster-plan.ts";
import { machineNamespace, namespacePath, runDirectory } from "../bed/full/layout.ts";
import { startProgram } from "./background.ts";
import { gatewayPath, hubKubeconfig, kubectl } from "./hub.ts";
import { keepKubeconfig } from "./users.ts";

const service = { namespace: "vela-system", name: "cluster-gateway" };
const serverName = `${service.name}.${service.namespace}.svc`;

/** The gateway's own Service, past the hub's API server, from outside of the bed. */
export interface Door extends AsyncDisposable {
  /** The gateway as the hub's admin. */
  readonly api: ClusterApi;
  /** Leads kubectl and helm to managed1 by the door, as the hub's admin. */
  readonly kubeconfig: string;
  /** For clients of its own: the address, and what TLS takes. */
  readonly server: string;
  readonly tls: DoorTls;
}

/** How the gateway is verified, and who the client is. */
export interface DoorTls {
  readonly ca: string;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly servername: string;
}

/** Opens a way to the Service through a socket file, which crosses network namespaces. */
export async function openDoor(bed: FullBed): Promise<Door> {
  const { plan } = bed.hub;
  const [address, ca, cert, key] = await Promise.all([
    serviceAddress(),
    servingCa(),
    readFile(certificatePath(plan, "admin")),
    readFile(keyPath(plan, "admin")),
  ]);
  await using opened = new AsyncDisposableStack();
  const path = join(runDirectory, `e2e-door-${process.pid}.sock`);
  opened.use(
    startProgram([
      "nsenter",
      `--net=${namespacePath(machineNamespace(plan.name))}`,
      "socat",
      `UNIX-LISTEN:${path},fork,unlink-early,mode=600`,
      `TCP:${address}`,
    ]),
  );
  const outside = opened.use(await listen(path));
  const server = `https://127.0.0.1:${outside.port}`;
  const tls = { ca, cert, key, servername: serverName };
  const api = ClusterApi.connect(server, tls);
  opened.defer(() => api.close());
  await waitFor("the door", async () => (await api.send({ path: "/readyz" })).status === 200);
  const kubeconfig = await keepKubeconfig(bed.hub, "door", await kubeconfigOf(server, ca));
  const stays = opened.move();
  return { api, server, tls, kubeconfig, [Symbol.asyncDispose]: () => stays.disposeAsync() };
}

async function serviceAddress(): Promise<string> {
  const path = "-o=jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
  return kubectl(["-n", service.namespace, "get", "svc", service.name, path]);
}

/** The CA that the hub's API server verifies the gateway by. */
async function servingCa(): Promise<string> {
  const path = "-o=jsonpath={.spec.caBundle}";
  const bundle = await kubectl(["get", "apiservice", "v1alpha1.cluster.core.oam.dev", path]);
  return Buffer.from(bundle, "base64").toString();
}

interface Kubeconfig {
  readonly clusters: readonly { cluster: Readonly<Record<string, string>> }[];
}

/** The hub's kubeconfig with another server. */
async function kubeconfigOf(server: string, ca: string): Promise<string> {
  const config = parse(await readFile(hubKubeconfig, "utf8")) as Kubeconfig;
  for (const entry of config.clusters) {
    entry.cluster = {
      server: server + gatewayPath,
      "tls-server-name": serverName,
      "certificate-authority-data": Buffer.from(ca).toString("base64"),
    };
  }
  return stringify(config, { lineWidth: 0 });
}

interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Leads a port of the loopback, any that is free, to a socket file. */
async function listen(path: string): Promise<Listening> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ path, allowHalfOpen: true });
    keep(client);
    keep(target);
    client.pipe(target).pipe(client);
    client.once("close", () => target.destroy());
    target.once("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
