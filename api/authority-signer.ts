import * as z from "zod";
import { alternativeName, goDuration, secretName } from "./field-formats.ts";

const selfSigned = z.object({
  additionalSANs: z
    .array(alternativeName)
    .max(64)
    .default([])
    .describe("More host names or IP addresses for the tunnel's certificates, whoever signs."),
});

const provided = z
  .object({
    agentAuthoritySecretName: secretName.describe(
      "Secret with the certificate authority for agents: tls.crt and tls.key, or ca.crt and ca.key. In the controller's namespace.",
    ),
    frontendAuthoritySecretName: secretName.describe(
      "The same for front ends. Another authority: an agent's certificate opens no port of theirs.",
    ),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "self.agentAuthoritySecretName != self.frontendAuthoritySecretName",
        messageExpression:
          "'must be another Secret than agentAuthoritySecretName, is the same: ' + self.frontendAuthoritySecretName",
        message: "must be another Secret than agentAuthoritySecretName",
        fieldPath: ".frontendAuthoritySecretName",
      },
    ],
  });

const certManager = z.object({
  issuerRef: z
    .object({
      name: z.string().min(1).max(253).describe("Name of the issuer."),
      kind: z.string().min(1).max(63).default("Issuer").describe("Issuer or ClusterIssuer."),
      group: z
        .string()
        .min(1)
        .max(253)
        .default("cert-manager.io")
        .describe("API group of the kind."),
    })
    .describe("Who signs the authorities. It must be allowed to sign authorities (isCA)."),
  duration: goDuration
    .optional()
    .describe("How long each authority lives; cert-manager's own default when absent."),
  renewBefore: goDuration
    .optional()
    .describe(
      "How long before its end each authority is renewed; cert-manager's own default when absent.",
    ),
});

/** Who makes the certificate authorities of the tunnel. */
export const authoritySigner = z
  .object({
    type: z
      .enum(["SelfSigned", "Provided", "CertManager"])
      .default("SelfSigned")
      .describe(
        "Where the certificate authorities come from: the controller makes them, they are given in Secrets, or cert-manager issues them.",
      ),
    selfSigned: selfSigned.prefault({}).describe("Settings of the certificates."),
    provided: provided.optional().describe("Settings of type Provided."),
    certManager: certManager.optional().describe("Settings of type CertManager."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "self.type != 'Provided' || has(self.provided)",
        message: "provided is needed when type is Provided",
      },
      {
        rule: "self.type != 'CertManager' || has(self.certManager)",
        message: "certManager.issuerRef is needed when type is CertManager",
      },
    ],
  });
export type AuthoritySigner = z.infer<typeof authoritySigner>;
