/** A 53-bit fingerprint of a row of small whole numbers; a million different rows collide with a probability of 10⁻⁴. */
export class Digest {
  #a = 0;
  #b = 0;

  clear(): void {
    this.#a = 0x9e3779b9;
    this.#b = 0x85ebca6b;
  }

  add(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0xcc9e2d51);
    this.#a = (this.#a << 15) | (this.#a >>> 17);
    this.#b = Math.imul((this.#b ^ (value + 0x7ed55d16)) | 0, 0x1b873593);
    this.#b = (this.#b << 13) | (this.#b >>> 19);
    this.#b = (this.#b + this.#a) | 0;
  }

  value(): number {
    return mixed(this.#a) * 2 ** 21 + (mixed(this.#b) >>> 11);
  }
}

function mixed(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
