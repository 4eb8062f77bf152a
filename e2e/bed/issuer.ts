/** Signs authorities, as cert-manager does where a test plays its part. */
export { makeIntermediate } from "../../pki/testdata/intermediate.ts";
