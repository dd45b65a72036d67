// Which pod holds a role, as a number: a reading is one, and a role that moved is a number that changed. The same name has the same number
// in every process, for two runs may share a steady state.

/** Its ordinal where it has one, as in a StatefulSet; else a hash. A host's name may go on behind a dot; an address is all hash. */
export function numberOfName(name: string): number {
  const ordinal = /^[a-z0-9-]*[a-z][a-z0-9-]*-(\d{1,4})(?:\.|$)/.exec(name)?.[1];
  if (ordinal !== undefined) return Number(ordinal);
  // FNV-1a
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
