// What a conversation is made of, whatever format it is written in: texts, media, reasoning, calls of tools and their results.
// Every format's reader gives these, and every format's writer takes them; no two formats know of each other.

/** The formats that are read and written. */
export type FormatName =
  | "chat"
  | "completions"
  | "responses"
  | "messages"
  | "gemini"
  | "bedrock"
  | "cohere"
  | "ollama";

/** JSON as the text that it came as: numbers keep their digits. */
export type JsonText = string;

/** What a value of one format has that no other format knows, as it came: for when it goes back to the same format. */
export interface OwnFields {
  readonly format: FormatName;
  readonly fields: Readonly<Record<string, unknown>>;
  /** More of them, without which another format says the same: nothing is lost where they are left out. */
  readonly silent?: Readonly<Record<string, unknown>>;
  /** Names of those that change what the answer says. */
  readonly essential?: readonly string[];
}

/** What every part may have beside what it is. */
interface PartBase {
  /** A provider's prompt cache is to keep all up to here. */
  readonly cache?: CacheMark;
  readonly own?: OwnFields;
}

/** A mark of how far a prompt is to be cached; null: for as long as the provider does by default. */
export interface CacheMark {
  readonly ttl: "5m" | "1h" | null;
}

/** Where the bytes of an image, a sound or a file are. */
export type Source =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "base64"; readonly media_type: string; readonly data: string }
  /** Plain text as a document. */
  | { readonly kind: "text"; readonly text: string }
  /** A file that the provider keeps, by its id there. */
  | { readonly kind: "file"; readonly id: string };

/** Where a text comes from, as the model says it. Positions count UTF-16 units of the part's text. */
export interface Citation {
  readonly url?: string;
  readonly title?: string;
  readonly cited_text?: string;
  readonly start?: number;
  readonly end?: number;
  readonly own?: OwnFields;
}

/** What a provider signed or encrypted of a reasoning. Only the format that it came from takes it back. */
export interface Signature {
  readonly format: FormatName;
  readonly value: string;
}

/** A text. */
export interface TextPart extends PartBase {
  readonly kind: "text";
  readonly text: string;
  readonly citations?: readonly Citation[];
  /** Gemini signs texts too. */
  readonly signature?: Signature;
}

/** An image; `detail` as OpenAI says it (`auto`, `low`, `high`). */
export interface ImagePart extends PartBase {
  readonly kind: "image";
  readonly source: Source;
  readonly detail?: string;
}

/** A sound or a film. */
export interface MediaPart extends PartBase {
  readonly kind: "audio" | "video";
  readonly source: Source;
}

/** A document. */
export interface FilePart extends PartBase {
  readonly kind: "file";
  readonly source: Source;
  readonly name?: string;
  /** Whether the model is to cite it. */
  readonly citations?: boolean;
  readonly context?: string;
}

/** What a model thought, or a summary of it; without a text where the provider only gives it encrypted. */
export interface ThinkingPart extends PartBase {
  readonly kind: "thinking";
  readonly text: string;
  readonly signature?: Signature;
  /** Encrypted reasoning in place of a text, or beside it. */
  readonly encrypted?: Signature;
  readonly id?: string;
}

/** A call of a tool by the model. */
export interface ToolCallPart extends PartBase {
  readonly kind: "tool_call";
  readonly id: string;
  readonly name: string;
  /** JSON of a function's arguments, as it came: it may be empty, or broken off. For a custom tool any text. */
  readonly arguments: JsonText;
  readonly is_custom?: boolean;
  readonly signature?: Signature;
}

/** What a tool gave back. */
export interface ToolResultPart extends PartBase {
  readonly kind: "tool_result";
  readonly call_id: string;
  /** The tool's name; readers of formats that leave it out look it up among the calls before. */
  readonly name?: string;
  readonly content: readonly Part[];
  readonly is_error: boolean;
  readonly is_custom?: boolean;
}

/** The model's words for why it does not answer. */
export interface RefusalPart extends PartBase {
  readonly kind: "refusal";
  readonly text: string;
}

/** What only one format understands, as it came there: a search that the provider ran, a block that is new. */
export interface OwnPart {
  readonly kind: "own";
  readonly format: FormatName;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A piece of a message. */
export type Part =
  | TextPart
  | ImagePart
  | MediaPart
  | FilePart
  | ThinkingPart
  | ToolCallPart
  | ToolResultPart
  | RefusalPart
  | OwnPart;

/**
 * A message. Results of tools are in messages of role `tool` (each its own, as chat completions have it) or among the parts of a
 * `user` message (as Messages and Gemini have it): writers take both.
 */
export interface Message {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly name?: string;
  readonly parts: readonly Part[];
  readonly own?: OwnFields;
}
