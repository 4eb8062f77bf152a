import { defineConfig, type OxlintOverride } from "oxlint";

/**
 * Which rooms a room may import from, by their doors. This table is the architecture
 * (ARCHITECTURE.md draws it): imports point down, siblings never meet.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  api: ["runtime"],
  pki: ["runtime"],
  kube: ["api", "runtime"],
  tunnel: ["runtime"],
  proxy: ["runtime"],
  gateway: ["tunnel", "proxy", "kube", "api", "pki", "runtime"],
  controllers: ["kube", "api", "pki", "runtime"],
  agent: ["tunnel", "proxy", "kube", "api", "pki", "runtime"],
  cmd: ["controllers", "gateway", "agent", "tunnel", "proxy", "kube", "api", "pki", "runtime"],
  testing: ["tunnel", "proxy", "kube", "api", "pki", "runtime"],
};
const everyRoom = Object.keys(rooms).filter((room) => room !== "cmd");

/** A third-party package has one home, so that replacing it is the change of one room. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "@kubernetes/client-node": ["kube"],
  "@grpc/grpc-js": ["tunnel"],
  "@grpc/proto-loader": ["tunnel"],
  "@peculiar/x509": ["pki"],
  ws: ["kube"],
  jose: ["gateway"],
  winston: ["runtime"],
  "prom-client": ["runtime"],
  yaml: ["kube", "api", "controllers", "cmd", "gateway"],
  zod: ["api", "cmd", "runtime", "gateway", "agent", "controllers"],
};

interface Restricted {
  group: string[];
  message: string;
}

function restrictionsOf(room: string): Restricted[] {
  const allowed = rooms[room] ?? [];
  const doors = everyRoom.filter((other) => other !== room && !allowed.includes(other));
  const foreign = Object.keys(homes).filter((name) => !homes[name]?.includes(room));
  const paths = everyRoom.filter((other) => other !== room);
  return [
    {
      group: doors.flatMap((door) => [`#${door}`, `#${door}/**`]),
      message: `${room}/ may not import this room (ARCHITECTURE.md)`,
    },
    {
      group: [`#${room}`, `#${room}/**`],
      message: `inside ${room}/ import the file, not the room's own door`,
    },
    {
      group: paths.flatMap((other) => [
        `../${other}/**`,
        `../../${other}/**`,
        `../../../${other}/**`,
      ]),
      message: "import another room by its door (#room)",
    },
    {
      group: foreign.flatMap((name) => [name, `${name}/**`]),
      message: "this package has another home",
    },
  ].filter(({ group }) => group.length > 0);
}

/** The overrides that hold a room inside its borders. Tests may use the test kit as well. */
function borders(room: string): OxlintOverride[] {
  const patterns = restrictionsOf(room);
  const inTests = patterns
    .map(({ group, message }) => ({ group: group.filter((name) => name !== "#testing"), message }))
    .filter(({ group }) => group.length > 0);
  return [
    { files: [`${room}/**/*.ts`], rules: { "no-restricted-imports": ["error", { patterns }] } },
    {
      files: [`${room}/**/*.test.ts`],
      rules: { "no-restricted-imports": ["error", { patterns: inTests }] },
    },
  ];
}

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "node", "promise"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  ignorePatterns: ["node_modules", ".bed", ".build"],
  rules: {
    "no-await-in-loop": "off",
    "no-underscore-dangle": "error",
    "no-console": "error",
    "no-shadow": "off",
    complexity: ["error", 10],
    "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    "max-lines-per-function": ["error", { max: 50, skipBlankLines: true, skipComments: true }],
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "import/no-unassigned-import": "off",
    "node/no-process-env": "error",
    "typescript/await-thenable": "error",
    "typescript/consistent-type-imports": "off",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [
          { from: "package", package: "node:test", name: ["describe", "it", "test", "suite"] },
        ],
      },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-unnecessary-condition": "error",
    "typescript/no-unsafe-type-assertion": "off",
    "typescript/only-throw-error": "error",
    "typescript/return-await": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "typescript/consistent-return": "off",
    "unicorn/filename-case": ["error", { case: "kebabCase" }],
    "unicorn/no-array-sort": "error",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-array-reduce": "off",
    "unicorn/prefer-add-event-listener": "off",
    "promise/always-return": "off",
    "promise/no-callback-in-promise": "off",
  },
  overrides: [
    ...Object.keys(rooms).flatMap(borders),
    // Environment, arguments, signals and exit codes live at the edge.
    { files: ["cmd/**", "e2e/**", "tools/**"], rules: { "node/no-process-env": "off" } },
    { files: ["e2e/**", "tools/**"], rules: { "no-console": "off" } },
    { files: ["*.config.ts"], rules: { "import/no-default-export": "off" } },
    // A describe() block is one function; its length says nothing.
    {
      files: ["**/*.test.ts", "testing/**"],
      rules: { "max-lines-per-function": "off", "max-lines": ["error", { max: 600 }] },
    },
  ],
});
