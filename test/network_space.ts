// A network namespace of a test's own: what is started in it is reached over cables, one for each host, and a cable can be cut and
// healed. Cutting loses what is under way without a word, as a broken network does, where stopping a process would keep it.

const IP = Bun.which("ip", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` });

function ip(...words: string[]): boolean {
  return IP !== null && Bun.spawnSync([IP, ...words], { stderr: "ignore" }).exitCode === 0;
}

/** Where a server runs: at which address it listens, at which one it is asked here, and what stands before its command. */
export interface Place {
  readonly bind: string;
  readonly hostname: string;
  readonly prefix: readonly string[];
}

/** On this machine, as any other program. */
export const HERE: Place = { bind: "127.0.0.1", hostname: "127.0.0.1", prefix: [] };

/** A way into the namespace. */
export interface Cable {
  /** The address that whatever listens in the namespace has over it. */
  readonly server: string;
  cut(): void;
  heal(): void;
}

/** A namespace and its cables. */
export class NetworkSpace {
  readonly cables: readonly Cable[];
  /** Inside, where its first cable leads. */
  readonly place: Place;
  readonly #name: string;
  readonly #links: readonly string[];

  private constructor(name: string, links: readonly string[], cables: readonly Cable[]) {
    this.#name = name;
    this.#links = links;
    this.cables = cables;
    this.place = {
      ...{ bind: "0.0.0.0", hostname: cables[0]!.server },
      prefix: [IP ?? "ip", "netns", "exec", name],
    };
  }

  /**
   * Makes one; null where namespaces cannot be made, and nothing is left then.
   * @param net the third number of the cables' addresses begins here; tests that run at once take different ones
   */
  static lay(count: number, net: number): NetworkSpace | null {
    const name = `venturi${process.pid}n${net}`;
    const ends = Array.from({ length: count }, (_, index) => ({
      here: `v${process.pid}n${net + index}`,
      there: `w${process.pid}n${net + index}`,
      host: `10.213.${net + index}.1`,
      server: `10.213.${net + index}.2`,
    }));
    const space = new NetworkSpace(
      name,
      ends.map(({ here }) => here),
      ends.map(({ here, server }) => ({
        server,
        cut: () => void ip("link", "set", here, "down"),
        heal: () => void ip("link", "set", here, "up"),
      })),
    );
    const is_laid =
      ip("netns", "add", name) &&
      ip("-n", name, "link", "set", "lo", "up") &&
      ends.every(
        ({ here, there, host, server }) =>
          ip("link", "add", here, "type", "veth", "peer", "name", there) &&
          ip("link", "set", there, "netns", name) &&
          ip("addr", "add", `${host}/24`, "dev", here) &&
          ip("link", "set", here, "up") &&
          ip("-n", name, "addr", "add", `${server}/24`, "dev", there) &&
          ip("-n", name, "link", "set", there, "up"),
      );
    if (is_laid) return space;
    space.takeAway();
    return null;
  }

  takeAway(): void {
    for (const link of this.#links) ip("link", "del", link);
    ip("netns", "del", this.#name);
  }
}
