/** Counts who is inside, by name, and remembers the most there ever were at once. */
export class Meter {
  readonly #inside = new Map<string, number>();
  readonly #most = new Map<string, number>();

  /** Runs `work` as one of each of these names. */
  async during<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const name of names) {
      const inside = this.inside(name) + 1;
      this.#inside.set(name, inside);
      this.#most.set(name, Math.max(this.most(name), inside));
    }
    try {
      return await work();
    } finally {
      for (const name of names) this.#inside.set(name, this.inside(name) - 1);
    }
  }

  inside(name: string): number {
    return this.#inside.get(name) ?? 0;
  }

  most(name: string): number {
    return this.#most.get(name) ?? 0;
  }
}
