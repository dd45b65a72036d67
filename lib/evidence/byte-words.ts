// Words of a file as numbers, looked up by their bytes: most are one of few, and a text made for each of them is what reading costs.

/** Of bytes that are printable ASCII without a quotation mark or a backslash: those mean themselves in JSON. */
export interface ByteWords {
  /** The number of a word; a new one for a word that is new. */
  code(bytes: Uint8Array, from: number, to: number): number;
}

/** `make` gives a new word its number. */
export function byteWords(make: (text: string) => number): ByteWords {
  let slots = new Int32Array(256).fill(-1);
  const words: Buffer[] = [];
  const hashes: number[] = [];
  const codes: number[] = [];

  function same(word: Buffer, bytes: Uint8Array, from: number, to: number): boolean {
    if (word.length !== to - from) return false;
    for (let at = 0; at < word.length; at++) if (word[at] !== bytes[from + at]) return false;
    return true;
  }

  function grow(): void {
    slots = new Int32Array(2 * slots.length).fill(-1);
    for (const [index, hash] of hashes.entries()) {
      let slot = hash & (slots.length - 1);
      while (slots[slot] !== -1) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = index;
    }
  }

  return {
    code(bytes, from, to) {
      let hash = 0x811c9dc5;
      for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
      // The lower bits alone decide on the slot.
      hash ^= hash >>> 15;
      let slot = hash & (slots.length - 1);
      for (;;) {
        const index = slots[slot] as number;
        if (index === -1) break;
        if (same(words[index] as Buffer, bytes, from, to)) return codes[index] as number;
        slot = (slot + 1) & (slots.length - 1);
      }
      const word = Buffer.from(bytes.subarray(from, to));
      const code = make(word.toString('latin1'));
      slots[slot] = words.push(word) - 1;
      hashes.push(hash);
      codes.push(code);
      if (2 * words.length > slots.length) grow();
      return code;
    },
  };
}
