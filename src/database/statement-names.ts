/** Texts beyond this count run unprepared: a leak of generated SQL must not become a leak on the server. */
const limit = 500;

/** Names for prepared statements, one per distinct text. */
export class StatementNames {
  readonly #names = new Map<string, string>();

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size >= limit) return undefined;
    const name = `s${this.#names.size + 1}`;
    this.#names.set(text, name);
    return name;
  }
}
