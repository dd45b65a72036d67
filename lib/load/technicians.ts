// The virtual technicians of a target: one token each, and a password where somebody is to log in, from the Secret that the target file names.

export interface Technician {
  readonly user: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** For logging in as in a browser; not every site's Secret tells it. */
  readonly password?: string;
}

/** Reads the Secret's `users.json`. Its errors tell places, never values. */
export function techniciansFrom(text: string): readonly Technician[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new Error('technicians: users.json is no JSON');
  }
  if (!Array.isArray(list) || list.length === 0) throw new Error('technicians: users.json wants a list of users');
  return list.map((entry: unknown, index) => {
    const fields = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<Record<string, unknown>>;
    const text = (key: keyof Technician): string => {
      const value = fields[key];
      // Both parts of a token go into a header; whatever Frappe makes up fits this.
      if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return value;
      throw new Error(`technicians: users.json: entry ${index} has no usable ${key}`);
    };
    const { password } = fields;
    if (password !== undefined && (typeof password !== 'string' || password === ''))
      throw new Error(
        `technicians: users.json: entry ${index} has no usable password (leave it out when there is none)`,
      );
    return {
      user: text('user'),
      apiKey: text('apiKey'),
      apiSecret: text('apiSecret'),
      ...(password === undefined ? {} : { password }),
    };
  });
}
