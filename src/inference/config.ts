// What the inference process is told of the configuration: all that it needs and no more. It travels by IPC, so that the keys of
// providers stand on no command line.

/** The embedder that comes with Venturi. */
export interface BuiltinSource {
  readonly kind: "builtin";
}

/** A feature-extraction model that transformers.js runs. */
export interface TransformersSource {
  readonly kind: "transformers";
  /** A folder with the model's files, or its name on the hub. */
  readonly model: string;
}

/** A provider's endpoint for embeddings. */
export interface ProviderSource {
  readonly kind: "provider";
  /** The provider's name in the configuration. */
  readonly provider: string;
  readonly model: string;
  /** Where to post to, such as `https://api.openai.com/v1/embeddings`. */
  readonly url: string;
  /** Sent with every request; what they hold is secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** The proxy to go through, where there is one. */
  readonly proxy?: string;
  /** How many numbers a vector must have; left out, as many as the first one has. */
  readonly dims?: number;
  readonly timeout_ms: number;
  /** Texts in one request at most. */
  readonly batch_max: number;
}

/** Where an embedder comes from. */
export type EmbedderSource = BuiltinSource | TransformersSource | ProviderSource;

/** What the inference process is started with. */
export interface InferenceConfig {
  /** The data folder. */
  readonly data: string;
  readonly embedders: readonly EmbedderSource[];
  /** Models that find names: `builtin`, `transformers:MODEL`. Left out or empty, none is loaded. */
  readonly names?: readonly string[];
  /** Entries of the semantic cache, all partitions together; the oldest that were not used go first. */
  readonly max_entries: number;
  /** The database that hosts share the semantic cache in; left out, it is this host's own. Its address may hold a password. */
  readonly vectors?: string;
  /** Threads that a model may use. */
  readonly threads: number;
}

/** What an embedder is called in requests and in the configuration. */
export function embedderName(source: EmbedderSource): string {
  switch (source.kind) {
    case "builtin":
      return "builtin";
    case "transformers":
      return `transformers:${source.model}`;
    case "provider":
      return `provider:${source.provider}/${source.model}`;
  }
}
