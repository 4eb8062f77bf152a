export {
  type Authority,
  type AuthorityOptions,
  asTrustAnchor,
  createAuthority,
  type KeyPair,
  loadAuthority,
} from "./authority.ts";
export {
  type Certificate,
  isIssuedBy,
  isSameAuthority,
  parseCertificates,
  type Usage,
} from "./certificate.ts";
export { type IssueOptions, issueCertificate, signRequest } from "./issue.ts";
export type { Names } from "./names.ts";
export { PkiError, type PkiErrorCode } from "./pki-error.ts";
export { createKey, keyToPem, parseKey } from "./private-key.ts";
export { type ReissueInput, reasonToReissue, renewalTime, type Violation } from "./reissue.ts";
export { type CertificateRequest, createRequest, parseRequest, type Subject } from "./request.ts";
export { signerUnit } from "./signer-unit.ts";
