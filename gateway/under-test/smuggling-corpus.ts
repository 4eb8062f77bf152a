/** One hostile request on HTTP/1.1, byte for byte behind its first lines. */
export interface SmugglingCase {
  /** What is tried. */
  readonly name: string;
  /** Header lines beside `Host`, or more. */
  readonly lines: string;
  /** What follows the empty line. */
  readonly body?: string;
  /** What stands behind the prefix of the cluster; replaces `/api`. */
  readonly path?: string;
  /** Replaces the whole request line. */
  readonly requestLine?: string;
  /** What the client may hear; `passed` means that the cluster answered, and saw nothing of it. */
  readonly want: "passed" | readonly string[];
  /** Its fault comes after a head that is right, so the cluster may see the beginning of it. */
  readonly isFaultyLater?: boolean;
}

const refused = ["400"];
/** A client that is still writing may not get to read the answer. */
const tooLarge = ["431", "none"];
/** A second request that hides in the body of the first. */
const hidden = "GET HIDDEN HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** For tests: what people try against proxies that carry identities. `HIDDEN` stands for a path. */
export const smugglingCorpus: readonly SmugglingCase[] = [
  {
    name: "X-Remote-User and group",
    lines: "X-Remote-User: root\r\nX-Remote-Group: system:masters\r\n",
    want: "passed",
  },
  {
    name: "X-Remote in odd case",
    lines: "x-REMOTE-uSER: root\r\nX-REMOTE-EXTRA-a: b\r\nx-remote-UID: 0\r\n",
    want: "passed",
  },
  {
    name: "X_Remote with underscores",
    lines: "X_Remote_User: root\r\nX-Remote_Group: system:masters\r\n",
    want: "passed",
  },
  {
    name: "a token of somebody else",
    lines: "Authorization: Bearer hub-token\r\n",
    want: "passed",
  },
  {
    name: "tokens in two spellings",
    lines: "AUTHORIZATION: Bearer hub-token\r\nauthorization: Basic hub-token\r\n",
    want: "passed",
  },
  {
    name: "a token for the proxy",
    lines: "Proxy-Authorization: Basic hub-token\r\n",
    want: "passed",
  },
  {
    name: "a token in a WebSocket's protocols",
    lines: "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.aHViLXRva2Vu\r\n",
    want: "passed",
  },
  {
    name: "Connection that names our own fields",
    lines: "Connection: authorization, impersonate-user, x-forwarded-for\r\n",
    want: "passed",
  },
  {
    name: "two Connection fields that name them",
    lines: "Connection: Impersonate-User\r\nCONNECTION: Authorization\r\n",
    want: "passed",
  },
  {
    name: "an upgrade to HTTP/2 in clear",
    lines:
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    want: "passed",
  },
  {
    name: "a rewritten path",
    lines:
      "X-Original-URL: /api/v1/secrets\r\nX-Rewrite-URL: /api/v1/secrets\r\nX-HTTP-Method-Override: DELETE\r\n",
    want: "passed",
  },
  {
    name: "Impersonate-User without the right",
    lines: "Impersonate-User: root\r\n",
    want: ["403"],
  },
  {
    name: "two Impersonate-User",
    lines: "Impersonate-User: alice\r\nimpersonate-user: root\r\n",
    want: refused,
  },
  {
    name: "Impersonate_User with an underscore",
    lines: "Impersonate_User: root\r\n",
    want: refused,
  },
  {
    name: "Impersonate-Group alone",
    lines: "Impersonate-Group: system:masters\r\n",
    want: refused,
  },
  { name: "an empty Impersonate-User", lines: "Impersonate-User:\r\n", want: refused },
  {
    name: "an unknown Impersonate field",
    lines: "Impersonate-User: alice\r\nImpersonate-Role: root\r\n",
    want: refused,
  },
  {
    name: "Impersonate-User in bytes that are no UTF-8",
    lines: "Impersonate-User: al\u00ffice\r\n",
    want: refused,
  },
  {
    name: "Content-Length beside Transfer-Encoding",
    lines: "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    body: `0\r\n\r\n${hidden}`,
    want: refused,
  },
  {
    name: "two lengths",
    lines: "Content-Length: 0\r\nContent-Length: 60\r\n",
    body: hidden,
    want: refused,
  },
  { name: "a list of lengths", lines: "Content-Length: 0, 60\r\n", body: hidden, want: refused },
  { name: "a length with a sign", lines: "Content-Length: +0\r\n", body: hidden, want: refused },
  {
    name: "an unknown transfer coding",
    lines: "Transfer-Encoding: xchunked\r\n",
    body: `0\r\n\r\n${hidden}`,
    want: refused,
  },
  {
    name: "a transfer coding after chunked",
    lines: "Transfer-Encoding: chunked, identity\r\n",
    body: `0\r\n\r\n${hidden}`,
    want: refused,
  },
  {
    name: "a space before the colon",
    lines: "Transfer-Encoding : chunked\r\n",
    body: `0\r\n\r\n${hidden}`,
    want: refused,
  },
  { name: "a folded line", lines: "X-A: b\r\n Impersonate-User: root\r\n", want: refused },
  {
    name: "a folded Transfer-Encoding",
    lines: "Transfer-Encoding:\r\n chunked\r\n",
    body: `0\r\n\r\n${hidden}`,
    want: refused,
  },
  {
    name: "a line that ends with CR alone",
    lines: "X-A: b\rImpersonate-User: root\r\n",
    want: refused,
  },
  { name: "a NUL in a value", lines: "X-A: b\0c\r\n", want: refused },
  {
    name: "a chunk size that is none",
    lines: "Transfer-Encoding: chunked\r\n",
    body: `0x0\r\n\r\n${hidden}`,
    want: [...refused, "502"],
    isFaultyLater: true,
  },
  { name: "a line without a colon", lines: "Impersonate-User root\r\n", want: refused },
  { name: "no Host", lines: "", requestLine: "GET /version HTTP/1.1", want: refused },
  {
    name: "fields beyond every measure",
    lines: `X-Big: ${"a".repeat(70_000)}\r\n`,
    want: tooLarge,
  },
  {
    name: "many fields beyond every measure",
    lines: "X-Many: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(3000),
    want: tooLarge,
  },
  {
    name: "a path beyond every measure",
    lines: "",
    path: `/${"a".repeat(70_000)}`,
    want: tooLarge,
  },
  {
    name: "a whole URL",
    lines: "",
    requestLine: "GET https://elsewhere/api HTTP/1.1",
    want: refused,
  },
  { name: "dots in the path", lines: "", path: "/api/../../managed1/proxy/api", want: refused },
  { name: "encoded dots in the path", lines: "", path: "/api/%2e%2e/%2E./x", want: refused },
  { name: "a backslash in the path", lines: "", path: "/api/..%5c..%5csecrets", want: refused },
  {
    name: "a new line in the path",
    lines: "",
    path: "/api%0d%0aImpersonate-User:%20root",
    want: refused,
  },
  { name: "a broken escape in the path", lines: "", path: "/api/%zz", want: refused },
];
