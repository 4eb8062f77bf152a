import { tryCommand } from "../command.ts";
import { waitFor } from "../wait.ts";
import { onMachine, runOnMachine } from "./machine.ts";

/** Waits until the runtime of a machine answers. */
export async function waitForContainerd(cluster: string): Promise<void> {
  const inside = await onMachine(cluster);
  await waitFor(`containerd of ${cluster}`, async () => {
    const { code } = await tryCommand([...inside, "ctr", "version"]);
    return code === 0;
  });
}

/** Gives images (archives) to the runtime of a machine, in place of older ones of their names. */
export async function importImages(cluster: string, archives: readonly string[]): Promise<void> {
  for (const archive of archives) {
    await runOnMachine(cluster, ["ctr", "-n", "k8s.io", "images", "import", archive]);
  }
}
