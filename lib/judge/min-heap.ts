// Numbers of which only the smallest is of interest: when the requests that are under way will have ended, say.

export interface MinHeap {
  readonly size: number;
  add(value: number): void;
  /** Takes away all up to this one, included. */
  dropUntil(value: number): void;
}

export function minHeap(): MinHeap {
  const heap: number[] = [];

  function drop(): void {
    const last = heap.pop() as number;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= last) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
  }

  return {
    get size() {
      return heap.length;
    },
    add(value) {
      let at = heap.length;
      heap.push(value);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if ((heap[parent] as number) <= value) break;
        heap[at] = heap[parent] as number;
        at = parent;
      }
      heap[at] = value;
    },
    dropUntil(value) {
      while (heap.length > 0 && (heap[0] as number) <= value) drop();
    },
  };
}
