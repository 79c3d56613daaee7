// Media types: what kind of part one is, and which one a URL's name stands for.

/** The part that media of a type are. */
export function mediaKind(media_type: string): "image" | "audio" | "video" | "file" {
  if (media_type.startsWith("image/")) return "image";
  if (media_type.startsWith("audio/")) return "audio";
  return media_type.startsWith("video/") ? "video" : "file";
}

const BY_EXTENSION: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  wav: "audio/wav",
  mp3: "audio/mpeg",
  aac: "audio/aac",
  ogg: "audio/ogg",
  flac: "audio/flac",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
  mpeg: "video/mpeg",
  avi: "video/x-msvideo",
  pdf: "application/pdf",
  txt: "text/plain",
  csv: "text/csv",
  html: "text/html",
  md: "text/markdown",
  json: "application/json",
  xml: "text/xml",
};

const FILMS = ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"];

/** The media type that a URL's name stands for; undefined where it says nothing. YouTube's are films. */
export function mediaTypeOfUrl(url: string): string | undefined {
  if (FILMS.some((start) => url.startsWith(start))) return "video/mp4";
  const path = url.split("?", 1)[0]!.split("#", 1)[0]!;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
}

/** The media type of what is at a URL, for a format that has to be told one. */
export function likelyMediaType(url: string, kind: "image" | "audio" | "video" | "file"): string {
  const named = mediaTypeOfUrl(url);
  if (named !== undefined) return named;
  if (kind === "image") return "image/jpeg";
  if (kind === "audio") return "audio/mpeg";
  return kind === "video" ? "video/mp4" : "application/pdf";
}
