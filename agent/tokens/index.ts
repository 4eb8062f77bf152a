export type { TokenAgentOptions } from "./agent-options.ts";
export { createTokenAgent, type TokenAgent } from "./token-agent.ts";
