// How long the runner waits for each thing. A bound that is met ends the waiting, never the evidence.

export const runBounds = {
  openReachMs: 60_000,
  guardMs: 60_000,
  /** What a rollout or the scenario before left behind, a pod that is still ending say, settles within its grace period. */
  guardsSettleMs: 45_000,
  guardsEveryMs: 2_000,
  ledgerMs: 300_000,
  /** k6 compiles its script first. */
  firstOperationMs: 60_000,
  prepareMs: 90_000,
  ticketMs: 30_000,
  injectMs: 30_000,
  /** One look at landed, effect or holding. */
  proofMs: 10_000,
  landedWithinMs: 20_000,
  /** Counted from landed; a fault that is held longer is asked for its whole hold. */
  effectWithinMs: 60_000,
  proofEveryMs: 250,
  holdingEveryMs: 1_000,
  /** What may change the target gets this long to stop by itself before undo begins beside it. */
  settleMs: 10_000,
  undoMs: 60_000,
  residueMs: 60_000,
  recoveryEveryMs: 500,
  /** For answers under way when the load is asked to stop. */
  loadGraceMs: 35_000,
  /** Beyond that: k6 may have to wait a minute for a WebSocket's handshake before it ends. */
  loadEndMs: 80_000,
  /** After the last answer, so that writes whose answer was lost reach the database too. */
  quiesceMs: 3_000,
  freeBytesMin: 512 * 1024 * 1024,
} as const satisfies Record<string, number>;

export type RunBounds = { readonly [name in keyof typeof runBounds]: number };
