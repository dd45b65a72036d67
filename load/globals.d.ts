// What k6 has without an import, beside what its own types declare.
declare const console: { error(message: string): void };

/** k6 has none; only types of lib/model mention it. */
interface AbortSignal {
  readonly aborted: boolean;
}
