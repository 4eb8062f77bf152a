import { runProcess } from "./options/process.ts";

/** The managed side: `agent tunnel` and `agent tokens`, each the process of one addon. */
interface Subcommand {
  readonly summary: string;
  /** Loaded on demand, so that one addon's process does not carry the other's code. */
  readonly load: () => Promise<(argv: readonly string[]) => Promise<number>>;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  tokens: {
    summary: "Project tokens of this managed cluster's ServiceAccounts to the hub",
    load: async () => {
      const { agentTokens } = await import("./options/agent-tokens.ts");
      return (argv) => runProcess(agentTokens, argv);
    },
  },
  tunnel: {
    summary: "Keep a tunnel from this managed cluster to the hub",
    load: async () => {
      const { agentTunnel } = await import("./options/agent-tunnel.ts");
      return (argv) => runProcess(agentTunnel, argv);
    },
  },
};

function usage(): string {
  const lines = Object.entries(subcommands).map(
    ([name, { summary }]) => `  ${name.padEnd(8)}${summary}`,
  );
  return `Usage: agent <command> [flags]\n\nCommands:\n${lines.join("\n")}\n`;
}

async function main([name = "", ...argv]: readonly string[]): Promise<number> {
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand !== undefined) return (await subcommand.load())(argv);
  const isHelp = name === "--help" || name === "-h";
  (isHelp ? process.stdout : process.stderr).write(usage());
  return isHelp ? 0 : 2;
}

process.exitCode = await main(process.argv.slice(2));
