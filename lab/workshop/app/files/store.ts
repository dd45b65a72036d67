// Where the bytes of attachments live. One small interface, so that the shared folder of the official chart and an object store are the same to
// the rest.

export interface FileStore {
  /** Safe on disk when it returns. Never overwrites: `taken` when there is something under this key. */
  put(key: string, bytes: Buffer): Promise<'stored' | 'taken'>;
  get(key: string): Promise<Buffer | undefined>;
  has(key: string): Promise<boolean>;
}

/** The store did not do it; nothing may be promised about the bytes. */
export class StoreFailed extends Error {
  /** As the operating system numbers it; undefined for one that gave no answer in time. */
  readonly errno: number | undefined;
  constructor(text: string, errno?: number, cause?: unknown) {
    super(text, { cause });
    this.errno = errno;
  }
}
