import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClusterPlan, pkiDirectory } from "./cluster-plan.ts";
import { runCommand } from "./command.ts";

/** A certificate to be made: whose it is, who signs it, and the names it serves. */
export interface CertificateRequest {
  /** Name of the files: `NAME.crt` and `NAME.key`. */
  readonly name: string;
  /** Name of the authority that signs it; an authority is signed by itself. */
  readonly authority: "ca" | "front-proxy-ca";
  readonly commonName: string;
  /** The groups of a client, one organization each. */
  readonly groups?: readonly string[];
  /** Subject alternative names as OpenSSL writes them: `DNS:a`, `IP:1.2.3.4`. */
  readonly names?: readonly string[];
}

const localNames = ["DNS:localhost", "IP:127.0.0.1"];
const validDays = "3650";

/** The certificates that a cluster's own programs need. */
export function clusterCertificates(plan: ClusterPlan): readonly CertificateRequest[] {
  const service = "kubernetes.default.svc";
  const own = [`IP:${plan.addresses.apiServer}`, `IP:${plan.addresses.kubernetesService}`];
  const apiServerNames = ["kubernetes", "kubernetes.default", service, `${service}.cluster.local`];
  const control: readonly CertificateRequest[] = [
    {
      name: "apiserver",
      authority: "ca",
      commonName: "kube-apiserver",
      names: [...new Set([...apiServerNames.map((name) => `DNS:${name}`), ...localNames, ...own])],
    },
    { name: "admin", authority: "ca", commonName: "admin", groups: ["system:masters"] },
    { name: "front-proxy", authority: "front-proxy-ca", commonName: "front-proxy-client" },
    component("controller-manager"),
  ];
  return plan.node === undefined
    ? control
    : [...control, ...nodeCertificates(plan.name, plan.node)];
}

function component(name: string): CertificateRequest {
  return { name, authority: "ca", commonName: `system:kube-${name}`, names: localNames };
}

function nodeCertificates(
  cluster: string,
  { address }: { readonly address: string },
): readonly CertificateRequest[] {
  return [
    component("scheduler"),
    component("proxy"),
    {
      name: "kubelet",
      authority: "ca",
      commonName: `system:node:${cluster}`,
      groups: ["system:nodes"],
      names: [`DNS:${cluster}`, `IP:${address}`],
    },
    {
      name: "to-kubelet",
      authority: "ca",
      commonName: "kube-apiserver-kubelet-client",
      groups: ["system:masters"],
    },
  ];
}

/** Makes what is missing of a cluster: two authorities, the service account key, certificates. */
export async function makeClusterCertificates(plan: ClusterPlan): Promise<void> {
  const directory = pkiDirectory(plan);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Without a file of our own, the host's configuration would add extensions a second time.
  await writeFile(join(directory, "openssl.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
  await Promise.all([
    makeAuthority(directory, "ca", `${plan.name}-ca`),
    makeAuthority(directory, "front-proxy-ca", `${plan.name}-front-proxy-ca`),
    makeServiceAccountKey(directory),
  ]);
  await Promise.all(
    clusterCertificates(plan).map(async (request) => makeCertificate(plan, request)),
  );
}

/** Makes one more certificate of a cluster, unless it is there already. */
export async function makeCertificate(
  plan: ClusterPlan,
  request: CertificateRequest,
): Promise<void> {
  const directory = pkiDirectory(plan);
  await once(directory, request.name, "crt", certificateArguments(directory, request));
}

/** What `openssl req` is told for a certificate signed by one of the cluster's authorities. */
export function certificateArguments(
  directory: string,
  { name, authority, commonName, groups = [], names = [] }: CertificateRequest,
): readonly string[] {
  const signer = join(directory, authority);
  const subject = `${groups.map((group) => `/O=${group}`).join("")}/CN=${commonName}`;
  return [
    ...requestArguments(directory, name, subject),
    "-CA",
    `${signer}.crt`,
    "-CAkey",
    `${signer}.key`,
    ...extension("basicConstraints=critical,CA:FALSE"),
    ...extension("keyUsage=critical,digitalSignature"),
    ...extension("extendedKeyUsage=serverAuth,clientAuth"),
    ...(names.length === 0 ? [] : extension(`subjectAltName=${names.join(",")}`)),
  ];
}

async function makeAuthority(directory: string, name: string, commonName: string): Promise<void> {
  await once(directory, name, "crt", [
    ...requestArguments(directory, name, `/CN=${commonName}`),
    ...extension("basicConstraints=critical,CA:TRUE"),
    ...extension("keyUsage=critical,keyCertSign,cRLSign,digitalSignature"),
  ]);
}

function extension(value: string): readonly string[] {
  return ["-addext", value];
}

function requestArguments(directory: string, name: string, subject: string): readonly string[] {
  const options = {
    "-days": validDays,
    "-newkey": "ec",
    "-pkeyopt": "ec_paramgen_curve:P-256",
    "-config": join(directory, "openssl.cnf"),
    "-subj": subject,
    "-keyout": join(directory, `${name}.key`),
  };
  return ["openssl", "req", "-new", "-x509", "-noenc", ...Object.entries(options).flat()];
}

async function makeServiceAccountKey(directory: string): Promise<void> {
  const key = join(directory, "service-account.key");
  const curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
  if (!existsSync(key)) await runCommand(["openssl", "genpkey", ...curve, "-out", key]);
  await once(directory, "service-account", "pub", ["openssl", "pkey", "-in", key, "-pubout"]);
}

/** The result gets its name last, so that a file of that name is always whole. */
async function once(
  directory: string,
  name: string,
  suffix: "crt" | "pub",
  argv: readonly string[],
): Promise<void> {
  const path = join(directory, `${name}.${suffix}`);
  if (existsSync(path)) return;
  await runCommand([...argv, "-out", `${path}.partial`]);
  await rename(`${path}.partial`, path);
}
