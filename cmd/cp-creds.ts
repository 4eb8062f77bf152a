import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { runCredentialPlugin } from "./credential-plugin/plugin.ts";

const place = {
  environment: { ...process.env },
  home: homedir(),
  isInPod:
    process.env["KUBERNETES_SERVICE_HOST"] !== undefined &&
    existsSync("/var/run/secrets/kubernetes.io/serviceaccount/token"),
};
// What it starts itself, such as a login for the hub, must know of it, and is about another cluster.
process.env["SPOKEWAY_CP_CREDS"] = "running";
delete process.env["KUBERNETES_EXEC_INFO"];

const { code, stdout, stderr } = await runCredentialPlugin(process.argv.slice(2), place);
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
