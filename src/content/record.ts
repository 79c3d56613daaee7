// What is kept of one call: what it was asked, as it went out, and what was answered, as it came; and what both are to be read by.

import * as z from "zod";
import type { ClientFormatName } from "../dialects/client_format.ts";

/** Why an answer is not with its request. */
export type LeftOut =
  /** The call failed, or was given up before anything came. */
  | "none"
  /** It was longer than is kept. */
  | "too_long"
  /** A guard took something out of it, or did not let it through. */
  | "guarded";

/** A call as a gateway process hands it over. */
export interface ContentCall {
  /** Its id in the ledger. */
  readonly id: string;
  readonly tenant: string;
  /** As the ledger's row has it. */
  readonly user: string | null;
  /** When it arrived, milliseconds since 1970. */
  readonly time_ms: number;
  /** Until when it is kept. */
  readonly expires_ms: number;
  /** What it is for, as `/chat/completions`. */
  readonly endpoint: string;
  readonly format: ClientFormatName;
  /** The model that it went to, by its name here. */
  readonly model: string;
  /** The name of its key. */
  readonly key: string;
  readonly is_stream: boolean;
  /** How many answers were asked for. */
  readonly choices: number;
  readonly request: Uint8Array;
  /** Null: it is left out. */
  readonly answer: { readonly bytes: Uint8Array; readonly is_events: boolean } | null;
  readonly left_out: LeftOut | null;
}

/** What is read of a kept call. */
export interface KeptContent extends Omit<ContentCall, "request" | "answer" | "user"> {
  readonly request: Uint8Array;
  /** A body as a client gets that asks for no stream; or the events of a stream that broke off, as they came. */
  readonly answer: { readonly bytes: Uint8Array; readonly form: "whole" | "events" } | null;
}

/** A piece in a card: its text, or the number of a blob. */
const piece = z.union([z.string(), z.number().int()]);

/** The card of a call: all but what lies in blobs. */
export const card_schema = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  time_ms: z.number(),
  expires_ms: z.number(),
  endpoint: z.string(),
  format: z.string(),
  model: z.string(),
  key: z.string(),
  is_stream: z.boolean(),
  choices: z.number(),
  request: z.array(piece),
  answer: z.strictObject({ form: z.enum(["whole", "events"]), pieces: z.array(piece) }).nullable(),
  left_out: z.enum(["none", "too_long", "guarded"]).nullable(),
});

/** A card as it is written. */
export type Card = z.output<typeof card_schema>;
