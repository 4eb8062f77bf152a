import { kubectl } from "../cluster-handle.ts";
import type { FullCluster } from "../full/full-cluster.ts";
import { proofNamespace } from "./claim.ts";

/** Says how an attempt to connect ended; only a timeout is silence. */
const connectScript = `
const [host, port] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port) });
const say = (what) => { console.log(what); socket.destroy(); };
socket.setTimeout(3000, () => say("silence"));
socket.once("connect", () => say("answer"));
socket.once("error", (error) => say(error.code === "ETIMEDOUT" ? "silence" : error.code));
`;

/** Prints status and body of one request; TOKEN in a header stands for the pod's own token. */
const fetchScript = `
const [url, withToken] = process.argv.slice(1);
const { readFileSync } = require("node:fs");
const token = () => readFileSync("/var/run/secrets/kubernetes.io/serviceaccount/token", "utf8");
const headers = withToken ? { authorization: "Bearer " + token() } : {};
fetch(url, { headers, signal: AbortSignal.timeout(8000) }).then(async (response) => {
  console.log(response.status + " " + (await response.text()).trim());
});
`;

/** Tries to open a TCP connection from a pod. */
export async function connectFromPod(
  cluster: FullCluster,
  host: string,
  port: number,
): Promise<string> {
  return askFromPod(cluster, connectScript, [host, String(port)]);
}

/** Sends a GET from a pod; the answer is `STATUS BODY`. */
export async function fetchFromPod(
  cluster: FullCluster,
  url: string,
  options: { readonly withToken?: boolean } = {},
): Promise<string> {
  return askFromPod(cluster, fetchScript, options.withToken === true ? [url, "token"] : [url]);
}

async function askFromPod(
  cluster: FullCluster,
  script: string,
  args: readonly string[],
): Promise<string> {
  const node = ["/usr/local/bin/node", "-e", script, "--", ...args];
  const pod = ["-n", proofNamespace, "exec", "deploy/asker", "--"];
  return (await kubectl(cluster, [...pod, ...node])).trim();
}
