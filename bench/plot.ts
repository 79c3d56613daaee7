// Line plots as SVG, made by hand: both axes logarithmic, a line for each target, its name at the line's end.

/** A line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What is plotted. */
export interface Plot {
  readonly title: string;
  readonly x_title: string;
  readonly y_title: string;
  /** Where the x axis is marked, and with what. */
  readonly x_marks: readonly (readonly [x: number, text: string])[];
  readonly lines: readonly Line[];
}

const WIDTH = 720;
const HEIGHT = 420;
const LEFT = 70;
const RIGHT = 110;
const TOP = 40;
const BOTTOM = 56;
/** Names that stand at the lines' ends are kept this far apart. */
const NAME_GAP = 15;
const COLORS: Readonly<Record<string, string>> = {
  venturi: "#c2410c",
  haproxy: "#1d4ed8",
  nginx: "#15803d",
  direct: "#6b7280",
};
const OTHER_COLORS = ["#7e22ce", "#0e7490", "#a16207"];

/** Powers of ten, and 2 and 5 times them, from below `low` to above `high`. */
function marksBetween(low: number, high: number): number[] {
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    marks.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  }
  const first = marks.findLastIndex((mark) => mark <= low);
  const last = marks.findIndex((mark) => mark >= high);
  return marks.slice(Math.max(0, first), last + 1);
}

/** The plot as an SVG document. Points must be above zero; others are left out. */
export function drawPlot(plot: Plot): string {
  const lines = plot.lines.map(({ name, points }) => ({
    name,
    points: points.filter(([x, y]) => x > 0 && y > 0),
  }));
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) return "";
  const xs = plot.x_marks.map(([x]) => x);
  const [x_low, x_high] = [Math.min(...xs), Math.max(...xs)];
  const y_marks = marksBetween(Math.min(...all.map(([, y]) => y)), Math.max(...all.map(([, y]) => y)));
  const [y_low, y_high] = [y_marks[0]!, y_marks.at(-1)!];
  const share = (value: number, low: number, high: number) =>
    high === low ? 0.5 : Math.log(value / low) / Math.log(high / low);
  const xOf = (x: number) => Math.round((LEFT + share(x, x_low, x_high) * (WIDTH - LEFT - RIGHT)) * 10) / 10;
  const yOf = (y: number) =>
    Math.round((HEIGHT - BOTTOM - share(y, y_low, y_high) * (HEIGHT - TOP - BOTTOM)) * 10) / 10;
  const text = (x: number, y: number, anchor: string, words: string, more = "") =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}"${more}>${words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#374151">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 22, "start", plot.title, ' font-size="14" font-weight="bold"'),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "middle", plot.x_title),
    text(
      16,
      (TOP + HEIGHT - BOTTOM) / 2,
      "middle",
      plot.y_title,
      ` transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})"`,
    ),
  ];
  for (const mark of y_marks) {
    parts.push(`<path d="M${LEFT} ${yOf(mark)}H${WIDTH - RIGHT}" stroke="#e5e7eb"/>`);
    parts.push(text(LEFT - 6, yOf(mark) + 4, "end", mark.toLocaleString("en", { maximumFractionDigits: 2 })));
  }
  for (const [x, words] of plot.x_marks) {
    parts.push(`<path d="M${xOf(x)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#e5e7eb"/>`);
    parts.push(text(xOf(x), HEIGHT - BOTTOM + 18, "middle", words));
  }
  const ends = lines
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => ({ name, y: yOf(points.at(-1)![1]) }))
    .sort((a, b) => a.y - b.y);
  for (const [index, end] of ends.entries()) {
    if (index > 0) end.y = Math.max(end.y, ends[index - 1]!.y + NAME_GAP);
  }
  for (const [index, { name, points }] of lines.entries()) {
    if (points.length === 0) continue;
    const color = COLORS[name] ?? OTHER_COLORS[index % OTHER_COLORS.length]!;
    const path = points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${xOf(x)} ${yOf(y)}`).join("");
    parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const [x, y] of points) parts.push(`<circle cx="${xOf(x)}" cy="${yOf(y)}" r="3" fill="${color}"/>`);
    const end_y = ends.find((end) => end.name === name)!.y;
    parts.push(text(xOf(points.at(-1)![0]) + 8, end_y + 4, "start", name, ` fill="${color}"`));
  }
  return `${parts.join("\n")}\n</svg>\n`;
}
