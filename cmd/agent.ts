import type { Flag } from "./options/flags.ts";
import { type ProcessOptions, runProcess } from "./options/process.ts";

const subcommands: Readonly<Record<string, () => Promise<Subcommand>>> = {
  tokens: async () => subcommand((await import("./options/agent-tokens.ts")).agentTokens),
};

type Subcommand = (argv: readonly string[]) => Promise<number>;

function subcommand<Flags extends Readonly<Record<string, Flag>>>(
  options: ProcessOptions<Flags>,
): Subcommand {
  return (argv) => runProcess(options, argv);
}

const [name = "", ...argv] = process.argv.slice(2);
const load = subcommands[name];
if (load === undefined) {
  const names = Object.keys(subcommands).join("|");
  process.stderr.write(`Usage: agent ${names} [flags]\nTry 'agent NAME --help'.\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await (await load())(argv);
}
