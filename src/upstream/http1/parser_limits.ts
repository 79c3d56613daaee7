// The bounds of a response. Every one of them is checked before anything is kept.
// They are far above what honest servers send, and far below what hurts.

/** Bounds of a response; all of them are checked before anything is kept. */
export interface ParserLimits {
  /** Bytes of one head, status line included. */
  readonly max_head_bytes: number;
  /** Fields of one head, and of the trailers. */
  readonly max_fields: number;
  /** Interim (1xx) heads before the final one. */
  readonly max_interim: number;
  /** Bytes of the line before a chunk, extensions included. */
  readonly max_chunk_line_bytes: number;
  /** Bytes of all trailers. */
  readonly max_trailer_bytes: number;
}

/** Limits that real answers stay far below. */
export const DEFAULT_PARSER_LIMITS: ParserLimits = {
  max_head_bytes: 65_536,
  max_fields: 256,
  max_interim: 16,
  max_chunk_line_bytes: 1_024,
  max_trailer_bytes: 16_384,
};
