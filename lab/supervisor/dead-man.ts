// The dead man's switch of the supervisor: what was taken away on somebody's behalf is given back when nothing was heard of them for as
// long as they said. It is all that undoes a node without power when nobody else can reach the supervisor.

export interface DeadMan {
  /** From now on `heard` must come again and again, never later than this; another `begin` for the same thing replaces it. */
  begin(what: string, unheardMsMax: number): void;
  /** False when nobody has to be heard of for that. */
  heard(what: string): boolean;
  end(what: string): void;
  endAll(): void;
}

export function deadMan(unheard: (what: string, unheardMsMax: number) => void): DeadMan {
  const waiting = new Map<string, { readonly msMax: number; readonly timer: NodeJS.Timeout }>();
  const end = (what: string): boolean => {
    clearTimeout(waiting.get(what)?.timer);
    return waiting.delete(what);
  };
  const begin = (what: string, msMax: number): void => {
    end(what);
    const timer = setTimeout(() => {
      waiting.delete(what);
      unheard(what, msMax);
    }, msMax);
    waiting.set(what, { msMax, timer });
  };
  return {
    begin,
    heard(what) {
      const { msMax } = waiting.get(what) ?? {};
      if (msMax === undefined) return false;
      begin(what, msMax);
      return true;
    },
    end,
    endAll() {
      for (const what of [...waiting.keys()]) end(what);
    },
  };
}
