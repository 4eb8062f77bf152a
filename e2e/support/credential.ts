import { waitFor } from "#bed";
import { gatewayKubeconfig, kubectl, kubectlJson } from "./hub.ts";

/** Arguments that show the Secret with the gateway's token. */
export const tokenSecret = ["-n", "managed1", "get", "secret", "cluster-gateway"] as const;

/** Which token the managed cluster was shown, by the id that it gave the token. */
async function credentialInUse(): Promise<string> {
  const review = (await kubectlJson(["auth", "whoami"], { kubeconfig: gatewayKubeconfig })) as {
    readonly status: { readonly userInfo: { readonly extra?: Readonly<Record<string, unknown>> } };
  };
  const id = review.status.userInfo.extra?.["authentication.kubernetes.io/credential-id"];
  return JSON.stringify(id);
}

/** Takes the gateway's token away and waits until it uses the next one. */
export async function rotateCredential(): Promise<void> {
  const before = await credentialInUse();
  // A Secret that is gone is the plainest reason for a new token.
  await kubectl(["-n", "managed1", "delete", "secret", "cluster-gateway"]);
  await waitFor("the new token on the hub", () => kubectl(tokenSecret));
  await waitFor("the new token in use", async () => (await credentialInUse()) !== before, {
    everyMs: 500,
  });
}
