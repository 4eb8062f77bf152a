import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

/*
 * Loaded before an agent under test: there is no DNS for Services here, so their names are those of
 * this machine, but for one that is where clouds hand out credentials.
 */
type Callback = (error: Error | null, addresses: unknown, family?: number) => void;

const { lookup } = dns;
const addresses: Readonly<Record<string, string>> = { "metadata.default.svc": "169.254.169.254" };

function serviceLookup(name: string, options: { readonly all?: boolean }, done: Callback): void {
  if (!name.endsWith(".svc")) return lookup(name, options, done);
  const address = addresses[name] ?? "127.0.0.1";
  if (options.all === true) process.nextTick(done, null, [{ address, family: 4 }]);
  else process.nextTick(done, null, address, 4);
}

Object.assign(dns, { lookup: serviceLookup });
syncBuiltinESMExports();
