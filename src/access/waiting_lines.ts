// Who waits: a line for each tenant, in the order of coming, within tiers that have weights.

/** Somebody in a line. */
export interface InLine {
  readonly tier: string;
  readonly weight: number;
  readonly tenant: string;
  /** What is held in memory for it. */
  readonly bytes: number;
}

/** Those of one tier. */
export interface Tier<Member extends InLine> {
  weight: number;
  size: number;
  /** In the order of their coming. */
  readonly tenants: Map<string, Set<Member>>;
}

/** All lines. */
export class WaitingLines<Member extends InLine> {
  readonly tiers = new Map<string, Tier<Member>>();
  size = 0;
  bytes = 0;

  /** A tier, with the weight that it has from now on. */
  tier(name: string, weight: number): Tier<Member> {
    let tier = this.tiers.get(name);
    if (tier === undefined) {
      tier = { weight, size: 0, tenants: new Map() };
      this.tiers.set(name, tier);
    }
    tier.weight = weight;
    return tier;
  }

  /** Whether somebody is in a line. */
  has(member: Member): boolean {
    return this.tiers.get(member.tier)?.tenants.get(member.tenant)?.has(member) ?? false;
  }

  /** Lets somebody in, at the end of his line. */
  add(member: Member): void {
    const tier = this.tier(member.tier, member.weight);
    let line = tier.tenants.get(member.tenant);
    if (line === undefined) {
      line = new Set();
      tier.tenants.set(member.tenant, line);
    }
    line.add(member);
    tier.size += 1;
    this.size += 1;
    this.bytes += member.bytes;
  }

  /** Lets somebody out who is in. */
  remove(member: Member): void {
    const tier = this.tiers.get(member.tier)!;
    const line = tier.tenants.get(member.tenant)!;
    line.delete(member);
    if (line.size === 0) tier.tenants.delete(member.tenant);
    tier.size -= 1;
    this.size -= 1;
    this.bytes -= member.bytes;
  }

  /**
   * Who came last of the tenant that has most of the lines, in the tier that has most of them for its weight.
   * @param newest who came last of all
   */
  lastOfMost(newest: Member): Member {
    const { tenants } = [...this.tiers.values()].reduce((most, tier) =>
      tier.size / tier.weight > most.size / most.weight ? tier : most,
    );
    const line = [...tenants.values()].reduce((most, one) => (one.size > most.size ? one : most));
    return line.has(newest) ? newest : [...line].at(-1)!;
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (const { tenants } of this.tiers.values()) for (const line of tenants.values()) yield* line;
  }
}
