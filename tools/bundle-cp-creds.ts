import { join } from "node:path";
import { bundleForPeople } from "./bundle.ts";

const repository = join(import.meta.dirname, "..");
const target = join(repository, ".build", "cp-creds");
await bundleForPeople(join(repository, "cmd", "cp-creds.ts"), target);
console.log(target);
