// How the public listener speaks TLS, as a user configures it.

import * as z from "zod";

const file = z.string().min(1, "must not be empty").max(4096);

const cert = file.describe(
  "File of the server's certificate, followed by those that vouch for it (PEM); relative to the configuration file.",
);
const key = file.describe("File of its private key (PEM, not encrypted).");

/** `listen.tls`. */
export const listen_tls = z.strictObject({
  cert,
  key,
  more: z
    .array(z.strictObject({ cert, key }))
    .max(100)
    .default([])
    .describe(
      "Further certificates. A client gets the one that has the name that it asks for, else the first.",
    ),
  min_version: z.enum(["1.2", "1.3"]).default("1.2").describe("The oldest version of TLS that is spoken."),
  client_ca: file
    .optional()
    .describe(
      "File of the authorities by which a client's certificate must be issued (PEM); without it, none is asked for.",
    ),
});

/** As it is written. */
export type ListenTlsConfig = z.output<typeof listen_tls>;
