// Sounds and files as chat completions name their formats, and as the rest of the world does (media types).

/** OpenAI's names that are no subtype of `audio/`. */
const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: "audio/mpeg", pcm16: "audio/L16" };

const AUDIO_FORMATS: Readonly<Record<string, string>> = {
  "audio/mpeg": "mp3",
  "audio/l16": "pcm16",
  "audio/x-wav": "wav",
  "audio/wave": "wav",
  "audio/vnd.wave": "wav",
  "audio/x-m4a": "m4a",
  "audio/x-flac": "flac",
};

/** The media type of an audio format (`wav`, `mp3`). */
export function audioType(format: string): string {
  return Object.hasOwn(AUDIO_TYPES, format) ? AUDIO_TYPES[format]! : `audio/${format}`;
}

/** The audio format of a media type. */
export function audioFormat(media_type: string): string {
  const type = media_type.toLowerCase();
  if (Object.hasOwn(AUDIO_FORMATS, type)) return AUDIO_FORMATS[type]!;
  return type.startsWith("audio/") ? type.slice("audio/".length) : type;
}

const FILE_TYPES: Readonly<Record<string, string>> = {
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  xml: "application/xml",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
};

/** The media type that a file's name tells; PDF for names that tell nothing, since that is what every model takes. */
export function fileType(name: string | undefined): string {
  const extension = name?.slice(name.lastIndexOf(".") + 1).toLowerCase() ?? "";
  return Object.hasOwn(FILE_TYPES, extension) ? FILE_TYPES[extension]! : "application/pdf";
}

/** A name for a file that has none: OpenAI wants one, and reads the kind off it. */
export function fileName(media_type: string): string {
  const known = Object.entries(FILE_TYPES).find(([, type]) => type === media_type);
  return `document.${known?.[0] ?? "pdf"}`;
}
